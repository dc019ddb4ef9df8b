package wool_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// vault is where a provider gets credentials from.
type vault struct {
	mu    sync.Mutex
	holds func() (wool.CredentialsOptions, error)
	asked int
	// busy: it is being asked; twice: it has been asked meanwhile.
	busy, twice bool
}

// put lets it hold what the function gives.
func (v *vault) put(holds func() (wool.CredentialsOptions, error)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.holds = holds
}

func (v *vault) store(options wool.CredentialsOptions) {
	v.put(func() (wool.CredentialsOptions, error) { return options, nil })
}

func (v *vault) provide() (wool.CredentialsOptions, error) {
	v.mu.Lock()
	v.twice = v.twice || v.busy
	v.busy = true
	v.asked++
	holds := v.holds
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.busy = false
	}()
	return holds()
}

func (v *vault) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

func (v *vault) askedTwiceAtOnce() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.twice
}

// again waits until a question has begun and ended that is asked from now on.
func (v *vault) again(t *testing.T) {
	t.Helper()
	from := v.count()
	poll(t, "the provider to be asked", func() bool { return v.count() >= from+2 })
}

func TestProvidedCredentialsAreAskedForEachPoll(t *testing.T) {
	ca := newAuthority(t)
	var log logBuffer
	rt := newRuntime(t, wool.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	must(t, wool.Register(rt, "test.peer", peer))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Credentials: credentials(t, ca.issue(t, "worker.example"))})
	must(t, err)
	v := &vault{}
	v.store(ca.issue(t, "first.example"))
	own := credentials(t, wool.CredentialsOptions{Provide: v.provide, Poll: time.Millisecond})
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}, Credentials: own})
	must(t, err)
	callsAs(t, pool, "first.example")
	v.again(t)
	if renewed, err := own.Reload(); renewed || err != nil || strings.Contains(log.String(), "have been renewed") {
		t.Errorf("the same credentials are new: %v, %v\n%s", renewed, err, log.String())
	}

	locked := errors.New("the vault is locked")
	v.put(func() (wool.CredentialsOptions, error) { return wool.CredentialsOptions{}, locked })
	v.again(t)
	for range 2 {
		v.again(t)
		if problem := own.Problem(); !errors.Is(problem, locked) || !errors.Is(problem, wool.ErrIO) {
			t.Errorf("the problem of a locked vault is %v", problem)
		}
	}
	callsAs(t, pool, "first.example")
	const told = "new credentials cannot be used, those before stay: the function that provides credentials failed: the vault is locked"
	poll(t, "the log to tell", func() bool { return strings.Contains(log.String(), told) })
	if n := strings.Count(log.String(), told); n != 1 {
		t.Errorf("one problem is told %d times:\n%s", n, log.String())
	}

	v.store(ca.issue(t, "second.example"))
	callsAs(t, pool, "second.example")
	poll(t, "the log to tell", func() bool { return strings.Contains(log.String(), "have been renewed") })
	if problem := own.Problem(); problem != nil {
		t.Errorf("credentials that are in use have the problem %v", problem)
	}
	if n := strings.Count(log.String(), "have been renewed"); n != 1 || v.askedTwiceAtOnce() {
		t.Errorf("renewed %d times, asked twice at once: %v\n%s", n, v.askedTwiceAtOnce(), log.String())
	}
}

func TestReloadAsksTheProvider(t *testing.T) {
	ca := newAuthority(t)
	v := &vault{}
	v.store(ca.issue(t, "first.example"))
	own := credentials(t, wool.CredentialsOptions{Provide: v.provide, Poll: time.Hour})
	for _, c := range []struct {
		what string
		kind wool.ErrorKind
		text string
		does func() (wool.CredentialsOptions, error)
	}{
		{"fails", wool.ErrIO, "no such secret", func() (wool.CredentialsOptions, error) {
			return wool.CredentialsOptions{}, errors.New("no such secret")
		}},
		{"fails in its own way", wool.ErrPermissionDenied, "not you", func() (wool.CredentialsOptions, error) {
			return wool.CredentialsOptions{}, &wool.Error{Kind: wool.ErrPermissionDenied, Message: "not you"}
		}},
		{"says that it is closed", wool.ErrClosed, "at night", func() (wool.CredentialsOptions, error) {
			return wool.CredentialsOptions{}, &wool.Error{Kind: wool.ErrClosed, Message: "at night"}
		}},
		{"fails without words", wool.ErrPanic, "no words", func() (wool.CredentialsOptions, error) {
			return wool.CredentialsOptions{}, &hostile{}
		}},
		{"panics", wool.ErrPanic, "the vault fell", func() (wool.CredentialsOptions, error) { panic("the vault fell") }},
		{"ends its goroutine", wool.ErrPanic, "instead of returning", func() (wool.CredentialsOptions, error) {
			runtime.Goexit()
			return wool.CredentialsOptions{}, nil
		}},
		{"gives nonsense", wool.ErrInvalidArgument, "key", func() (wool.CredentialsOptions, error) {
			options := ca.issue(t, "other.example")
			options.Key = []byte("nonsense")
			return options, nil
		}},
		{"gives another provider", wool.ErrInvalidArgument, "Provide", func() (wool.CredentialsOptions, error) {
			return wool.CredentialsOptions{Provide: v.provide}, nil
		}},
	} {
		v.put(c.does)
		_, err := own.Reload()
		for _, failure := range []error{err, own.Problem()} {
			if !errors.Is(failure, c.kind) || !strings.Contains(failure.Error(), c.text) {
				t.Errorf("a provider that %s: %v", c.what, failure)
			}
		}
		_, err = wool.NewCredentials(wool.CredentialsOptions{Provide: v.provide})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("new credentials of a provider that %s: %v", c.what, err)
		}
	}
	v.store(ca.issue(t, "second.example"))
	if renewed, err := own.Reload(); !renewed || err != nil || own.Problem() != nil {
		t.Errorf("others: %v, %v, %v", renewed, err, own.Problem())
	}
	if renewed, err := own.Reload(); renewed || err != nil {
		t.Errorf("the same: %v, %v", renewed, err)
	}
}

// What a provider gives may use memory again, and may be files.
func TestProvidersMayGiveFilesAndReuseMemory(t *testing.T) {
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "key")
	given := ca.issue(t, "first.example")
	must(t, os.WriteFile(file, given.Key, 0o600))
	given.KeyFile, given.Key = file, nil
	own := credentials(t, wool.CredentialsOptions{
		Provide: func() (wool.CredentialsOptions, error) { return given, nil }, Poll: time.Hour,
	})
	must(t, os.WriteFile(file, []byte("nonsense"), 0o600))
	if _, err := own.Reload(); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("a broken file of a provider: %v", err)
	}
	other := ca.issue(t, "second.example")
	must(t, os.WriteFile(file, other.Key, 0o600))
	given.Certificate = append(given.Certificate[:0], other.Certificate...)
	if renewed, err := own.Reload(); !renewed || err != nil || own.Problem() != nil {
		t.Errorf("another certificate in the same memory: %v, %v, %v", renewed, err, own.Problem())
	}
}

func TestProvidersHaveNoPartsBesideThem(t *testing.T) {
	v := &vault{}
	for _, options := range []wool.CredentialsOptions{
		{CA: []byte("x")}, {Certificate: []byte("x")}, {Key: []byte("x")}, {CRL: []byte("x")},
		{CAFile: "x"}, {CertificateFile: "x"}, {KeyFile: "x"}, {CRLFile: "x"}, {OneWay: true}, {Poll: -1},
	} {
		options.Provide = v.provide
		if _, err := wool.NewCredentials(options); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("a provider beside %+v gave %v", options, err)
		}
	}
	if n := v.count(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestClosedCredentialsAskNoMore(t *testing.T) {
	ca := newAuthority(t)
	first, second := &vault{}, &vault{}
	first.store(ca.issue(t, "first.example"))
	second.store(ca.issue(t, "second.example"))
	own, err := wool.NewCredentials(wool.CredentialsOptions{Provide: first.provide, Poll: time.Millisecond})
	must(t, err)
	defer own.Close()
	runtime.GC() // what asks is no garbage
	first.again(t)
	if err := own.Update(wool.CredentialsOptions{CA: []byte("nonsense")}); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("nonsense gave %v", err)
	}
	first.again(t)
	must(t, own.Update(wool.CredentialsOptions{Provide: second.provide, Poll: time.Millisecond}))
	second.again(t)
	n := first.count()
	second.again(t)
	if first.count() != n {
		t.Error("a provider whose place another has taken is asked")
	}
	must(t, own.Update(ca.issue(t, "third.example")))
	if left := waitForGoroutines("/credentials_provider.go:"); left != "" {
		t.Errorf("goroutines are left that ask a provider nobody has:\n%s", left)
	}

	// One that does not answer holds nobody up but who asks it.
	asked, answer := make(chan struct{}, 8), make(chan struct{})
	must(t, own.Update(wool.CredentialsOptions{Provide: first.provide, Poll: time.Millisecond}))
	first.put(func() (wool.CredentialsOptions, error) {
		asked <- struct{}{}
		<-answer
		return ca.issue(t, "late.example"), nil
	})
	await(t, "the question", asked)
	ends := make(chan error, 1)
	go func() {
		_, err := own.Reload()
		ends <- err
	}()
	if problem := own.Problem(); problem != nil {
		t.Errorf("while the provider is asked: %v", problem)
	}
	own.Close()
	own.Close()
	if err := await(t, "the end of Reload", ends); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("Reload of credentials that are closed meanwhile: %v", err)
	}
	close(answer)
	if left := waitForGoroutines("/credentials_provider.go:"); left != "" {
		t.Errorf("closed credentials leave goroutines:\n%s", left)
	}
	if problem := own.Problem(); !errors.Is(problem, wool.ErrClosed) {
		t.Errorf("the problem of closed credentials: %v", problem)
	}
	if first.askedTwiceAtOnce() || second.askedTwiceAtOnce() {
		t.Error("a provider was asked twice at once")
	}
}
