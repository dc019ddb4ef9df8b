package wool

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Credentials are what a process presents to its peers, and whom it believes: TLS between workers and pools, which may
// share them. They are renewed for all of these without a restart: when their files change, when the program's own
// function gives others ([CredentialsOptions.Provide]), or by [Credentials.Update]. Connections made from then on are by
// the new ones, sessions of before are drained, and what runs there goes on to its end.
type Credentials struct {
	handle *C.wool_credentials_t
	guard  guard

	mu sync.Mutex
	// provider is nil where the program has given the parts themselves.
	provider *provider
	// problem is why what the provider gave last is not in use.
	problem *Error
	// logs are those of the runtimes whose workers and pools have these credentials.
	logs map[*logSink]struct{}
}

// CredentialsOptions are what credentials are made of. Each part is PEM, as it is or in a file, which is read again when
// it changes; not both.
type CredentialsOptions struct {
	// CA are certificates of the authorities that peers' certificates must lead to. A worker whose callers need none may
	// leave it out.
	CA []byte
	// Certificate is the own one, followed by those between it and its authority. A caller may leave it out, with its
	// key, where workers ask for none.
	Certificate []byte
	// Key is its private key, not encrypted: PKCS #8, PKCS #1 or SEC 1.
	Key []byte
	// CRL are lists of certificates that are revoked. With one, every certificate of a peer must be covered by a list that
	// is not over.
	CRL []byte
	// CAFile, CertificateFile, KeyFile and CRLFile are paths of files that hold the same.
	CAFile, CertificateFile, KeyFile, CRLFile string
	// OneWay: a worker with these asks its callers for no certificate.
	OneWay bool
	// Provide gives all of the above in place of these fields, which then stay empty: from a secret store, say. It is
	// asked at once, and again each Poll until [Credentials.Close]; never twice at a time, each time on a goroutine of its
	// own, which may take its time. What is new in what it gives is taken. Its Poll does not count, and it has no Provide of its own.
	//
	// When it fails or panics, or gives what cannot be used, those of before stay in use; [Credentials.Problem] tells, and
	// so does the log of the runtimes whose workers and pools have these. It is not to call [Credentials.Reload], which
	// waits for it.
	Provide func() (CredentialsOptions, error)
	// Poll is how often files are looked at, and Provide is asked; 0 is 10 s.
	Poll time.Duration
}

// RoutineCallers say who may call a routine, or all of a "prefix.*": callers whose certificate has a name that fits one
// of these patterns, of which there is at least one.
type RoutineCallers struct {
	Routine string
	Callers []string
}

// NewCredentials reads and checks credentials. Close them when all that is made with them has been made; those with a
// Provide when they need not be renewed any more.
//
// It fails as [ErrInvalidArgument] for a part that is left out, given twice or no PEM, and for a key that is not that of
// the certificate, and as [ErrIO] for a file that cannot be read; the message names the part. An error
// of Provide is the cause of an [ErrIO], or of one of its own kind where it is an [*Error].
func NewCredentials(options CredentialsOptions) (*Credentials, error) {
	parts, provider, err := options.provided()
	if err != nil {
		return nil, err
	}
	var memory arena
	defer memory.free()
	given, err := parts.forC(&memory)
	if err != nil {
		return nil, err
	}
	c := &Credentials{logs: make(map[*logSink]struct{})}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_credentials_new(&given, &c.handle, &failure)); status < 0 {
		return nil, takeError(status, failure)
	}
	c.guard.free = func() { C.wool_credentials_free(c.handle) }
	runtime.SetFinalizer(c, (*Credentials).Close)
	c.followLocked(provider)
	return c, nil
}

// Update takes others instead, for all workers and pools that have these; they may have a Provide, and one of before is
// asked no more. Files need no call: they are looked at over and over. It fails as [NewCredentials] does, and then the
// ones before stay, with their Provide. The same again disturb nobody.
func (c *Credentials) Update(options CredentialsOptions) error {
	parts, provider, err := options.provided()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.updateLocked(&parts); err != nil {
		return err
	}
	c.followLocked(provider)
	return nil
}

// Reload looks at the files now, or asks Provide, and reports whether there is something new, which is in use then. It
// fails as [NewCredentials] does, and then the ones before stay.
func (c *Credentials) Reload() (bool, error) {
	c.mu.Lock()
	provider := c.provider
	c.mu.Unlock()
	if provider != nil {
		return result(c.renew(provider))
	}
	return result(c.reload())
}

// Problem is why the files as they are now, or what has been provided or given by [Credentials.Update] last, cannot be
// used, where that is so: those of before are still in use. Otherwise it is nil.
func (c *Credentials) Problem() error {
	c.mu.Lock()
	problem := c.problem
	c.mu.Unlock()
	err := c.ask(func(failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_credentials_problem(c.handle, failure))
	})
	switch {
	case problem != nil:
		return problem
	case err != nil:
		return err
	default:
		return nil
	}
}

// Close lets go of credentials: Provide is asked no more, and the result of a question that is under way not taken. What
// was made with them goes on. It may be called again.
func (c *Credentials) Close() {
	c.guard.close()
	runtime.SetFinalizer(c, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followLocked(nil)
}

// updateLocked reports whether they are others than before.
func (c *Credentials) updateLocked(parts *CredentialsOptions) (bool, *Error) {
	var memory arena
	defer memory.free()
	given, err := parts.forC(&memory)
	if err != nil {
		return false, err
	}
	var renewed C.int32_t
	err = c.ask(func(failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_credentials_update(c.handle, &given, &renewed, failure))
	})
	return renewed != 0, err
}

func (c *Credentials) reload() (bool, *Error) {
	var renewed C.int32_t
	err := c.ask(func(failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_credentials_reload(c.handle, &renewed, failure))
	})
	return renewed != 0, err
}

func (c *Credentials) ask(what func(failure **C.wool_error_t) C.int32_t) *Error {
	if !c.guard.enter() {
		return newError(ErrClosed, "the credentials are closed: close them last")
	}
	defer c.guard.leave()
	var failure *C.wool_error_t
	if status := what(&failure); status < 0 {
		return takeError(status, failure)
	}
	return nil
}

// lend gives what may be nil to the core during use, for what is made in the engine.
func (c *Credentials) lend(e *engine, use func(handle *C.wool_credentials_t) *Error) *Error {
	if c == nil {
		return use(nil)
	}
	if !c.guard.enter() {
		return newError(ErrClosed, "the credentials are closed: close them when all that is made with them has been made")
	}
	defer c.guard.leave()
	c.logTo(e.log)
	return use(c.handle)
}

func (o *CredentialsOptions) forC(memory *arena) (C.wool_credentials_options_t, *Error) {
	if err := refuseNegative("Poll", o.Poll); err != nil {
		return C.wool_credentials_options_t{}, err
	}
	return C.wool_credentials_options_t{
		struct_size:      C.sizeof_wool_credentials_options_t,
		ca:               memory.slice(string(o.CA)),
		certificate:      memory.slice(string(o.Certificate)),
		key:              memory.slice(string(o.Key)),
		crl:              memory.slice(string(o.CRL)),
		ca_file:          memory.slice(o.CAFile),
		certificate_file: memory.slice(o.CertificateFile),
		key_file:         memory.slice(o.KeyFile),
		crl_file:         memory.slice(o.CRLFile),
		one_way:          flag(o.OneWay),
		poll_ms:          C.uint64_t(milliseconds(o.Poll)),
	}, nil
}

// result is one without a typed nil.
func result(renewed bool, err *Error) (bool, error) {
	if err != nil {
		return false, err
	}
	return renewed, nil
}

// rules are routines and patterns by turns, as the core takes them.
func rules(callers []RoutineCallers) []string {
	var texts []string
	for _, rule := range callers {
		for _, pattern := range rule.Callers {
			texts = append(texts, rule.Routine, pattern)
		}
	}
	return texts
}

// textsOf copies texts that the core lends.
func textsOf(slices *C.wool_slice_t, count C.size_t) []string {
	if count == 0 {
		return nil
	}
	texts := make([]string, 0, int(count))
	for _, slice := range unsafe.Slice(slices, int(count)) {
		texts = append(texts, stringOf(slice))
	}
	return texts
}
