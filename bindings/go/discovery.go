package wool

// #include "shim.h"
import "C"

import "unsafe"

// Discovery is where workers are announced and found: a [LocalDiscovery], [LANDiscovery], [StaticDiscovery],
// [DNSDiscovery], several of them as a [StackedDiscovery], or one of the program's own: [CustomDiscovery]. Its value may
// be used by several pools, workers and runtimes at once.
type Discovery interface {
	// open makes the core's form of it, which belongs to the caller. Who asks the program is added to o.
	open(o *opened) (*C.wool_discovery_t, *Error)
}

// LocalDiscovery finds the workers of this user on this machine, which are announced in shared memory.
type LocalDiscovery struct {
	// Namespace is the name that publishers and pools share: 1 to 32 of A-Z a-z 0-9 . _ -, not beginning
	// with a dot.
	Namespace string
	// Directory is where the records are kept; empty is the user's own place.
	Directory string
}

// LANDiscovery finds workers on the local network without configuration (Zeroconf: DNS-SD over multicast DNS). A worker
// that is published there has to listen where others reach it: see [WorkerOptions.Bind] and
// [WorkerOptions.Advertise]. Whoever is on that network can answer, so that workers which are found there are never told
// [PoolOptions.Secret].
type LANDiscovery struct {
	// Namespace is the name that publishers and pools share, of at most 128 bytes; those without one are published
	// and found without one.
	Namespace string
	// Interfaces are the only network interfaces that are used, each by its name ("eth0") or an address of it; empty
	// is all but loopback.
	Interfaces []string
}

// StaticDiscovery finds the workers at addresses that are known, in a [StackedDiscovery] beside others; alone, they are
// [PoolOptions.Addresses]. It publishes none.
type StaticDiscovery struct {
	// Addresses are "host:port" or "unix:/path", at least one.
	Addresses []string
}

// DNSDiscovery finds the workers behind a name in DNS, such as a headless service; it looks again when what it has
// found has aged. It publishes none.
type DNSDiscovery struct {
	// Name is "host:port" for a worker at each address (A, AAAA) of the host, at this port; or
	// "_wool._tcp.example.com", without a port, for a worker for each SRV record of the name.
	Name string
	// Servers are asked, "address:port" each, instead of those that the system is set up with.
	Servers []string
}

// StackedDiscovery is several discoveries as one: a pool finds what any of them finds, and of two that know the same
// worker the earlier is believed; a worker is published by all of them that publish.
type StackedDiscovery []Discovery

// opened is a discovery in the core's form.
type opened struct {
	engine *engine
	// handle is nil for none.
	handle *C.wool_discovery_t
	// sources are the program's own discoveries in it.
	sources []*source
	// lists: it is for one look around.
	lists bool
}

// openDiscovery opens what may be nil. The engine stays open meanwhile. Also where it fails the rest is to be ended.
func openDiscovery(e *engine, d Discovery) (*opened, *Error) {
	o := &opened{engine: e}
	return o, o.open(d)
}

func (o *opened) open(d Discovery) (err *Error) {
	if d != nil {
		o.handle, err = d.open(o)
	}
	return err
}

// free is for who has given it to the core, which keeps what it needs.
func (o *opened) free() {
	C.wool_discovery_free(o.handle)
	o.handle = nil
}

// end is for when what was made with it has ended.
func (o *opened) end() {
	for _, s := range o.sources {
		s.end()
	}
}

func (d LocalDiscovery) open(*opened) (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_local(memory.slice(d.Namespace), memory.slice(d.Directory), out, failure))
	})
}

func (d LANDiscovery) open(*opened) (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	options := C.wool_lan_options_t{
		struct_size: C.sizeof_wool_lan_options_t, name_space: memory.slice(d.Namespace),
		interfaces: memory.slices(d.Interfaces), interface_count: C.size_t(len(d.Interfaces)),
	}
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_lan(&options, out, failure))
	})
}

func (d StaticDiscovery) open(*opened) (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_static(memory.slices(d.Addresses), C.size_t(len(d.Addresses)), out, failure))
	})
}

func (d DNSDiscovery) open(*opened) (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_dns(memory.slice(d.Name), memory.slices(d.Servers), C.size_t(len(d.Servers)), out, failure))
	})
}

func (d StackedDiscovery) open(o *opened) (*C.wool_discovery_t, *Error) {
	var memory arena
	defer memory.free()
	layers := memory.discoveries(len(d))
	defer func() {
		for _, layer := range layers {
			C.wool_discovery_free(layer)
		}
	}()
	for i, layer := range d {
		if layer == nil {
			return nil, newError(ErrInvalidArgument, "discovery %d of a stack is nil", i)
		}
		handle, err := layer.open(o)
		if err != nil {
			return nil, err
		}
		layers[i] = handle
	}
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_stacked(unsafe.SliceData(layers), C.size_t(len(layers)), out, failure))
	})
}

func newDiscovery(make func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t) (*C.wool_discovery_t, *Error) {
	var handle *C.wool_discovery_t
	var failure *C.wool_error_t
	if status := make(&handle, &failure); status < 0 {
		return nil, takeError(status, failure)
	}
	return handle, nil
}
