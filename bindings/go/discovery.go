package wool

// #include "shim.h"
import "C"

// Discovery is where workers are announced and found: a [LocalDiscovery].
type Discovery interface {
	// open makes the core's form of it, which belongs to the caller.
	open() (*C.wool_discovery_t, *Error)
}

// LocalDiscovery finds the workers of this user on this machine, which are announced in shared memory.
type LocalDiscovery struct {
	// Namespace is the name that publishers and pools share: 1 to 32 of A-Z a-z 0-9 . _ -, not beginning
	// with a dot.
	Namespace string
	// Directory is where the records are kept; empty is the user's own place.
	Directory string
}

func (d LocalDiscovery) open() (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	var handle *C.wool_discovery_t
	var failure *C.wool_error_t
	status := C.int32_t(C.wool_discovery_new_local(memory.slice(d.Namespace), memory.slice(d.Directory), &handle, &failure))
	if status < 0 {
		return nil, takeError(status, failure)
	}
	return handle, nil
}

// openDiscovery opens what may be nil. It is freed with [C.wool_discovery_free] as soon as it has been
// given away.
func openDiscovery(d Discovery) (*C.wool_discovery_t, *Error) {
	if d == nil {
		return nil, nil
	}
	return d.open()
}
