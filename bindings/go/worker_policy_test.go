package wool_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// stopBy asks a worker by gRPC to stop at once, and returns the status of the answer: "0" is yes.
func stopBy(t *testing.T, worker *wool.Worker, ca *authority, options wool.CredentialsOptions) string {
	t.Helper()
	own, err := tls.X509KeyPair(options.Certificate, options.Key)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12},
	}
	defer transport.CloseIdleConnections()
	// An empty message: uncompressed, of no bytes.
	request, err := http.NewRequestWithContext(testContext(t), http.MethodPost,
		"https://"+worker.Address()+"/wool.v1.Control/stop", bytes.NewReader(make([]byte, 5)))
	must(t, err)
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := transport.RoundTrip(request)
	must(t, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	must(t, err)
	// A refusal has no body, and its status among the headers.
	return response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status")
}

func TestStoppersStopAWorkerOverTheNetwork(t *testing.T) {
	ca := newAuthority(t)
	const permissionDenied = "7"
	rt := newRuntime(t)
	ctx := testContext(t)
	waiting, ended := make(chan struct{}), make(chan error, 1)
	must(t, wool.Register(rt, "test.wait", func(ctx context.Context) error {
		close(waiting)
		<-ctx.Done()
		return ctx.Err()
	}))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{
		Credentials: credentials(t, ca.issue(t, "worker.example")), Stoppers: []string{"admin.example"},
	})
	must(t, err)
	closed, err := wool.NewWorker(rt, wool.WorkerOptions{Credentials: credentials(t, ca.issue(t, "worker.example"))})
	must(t, err)
	pool := openPool(t, wool.PoolOptions{
		Addresses: []string{worker.Address()}, Credentials: credentials(t, ca.issue(t, "caller.example")),
	})
	go func() {
		_, err := pool.Call(ctx, "test.wait")
		ended <- err
	}()
	await(t, "the task", waiting)
	if status := stopBy(t, worker, ca, ca.issue(t, "caller.example")); status != permissionDenied {
		t.Errorf("who is none of the stoppers is answered %q", status)
	}
	if status := stopBy(t, closed, ca, ca.issue(t, "admin.example")); status != permissionDenied {
		t.Errorf("a worker without stoppers answers %q", status)
	}
	if status := stopBy(t, worker, ca, ca.issue(t, "admin.example")); status != "0" {
		t.Errorf("a stopper is answered %q", status)
	}
	if err := await(t, "the end of the task", ended); !errors.Is(err, wool.ErrCancelled) {
		t.Errorf("the task of a worker that was stopped: %v", err)
	}
	must(t, worker.Stop(ctx, -1))
}

func TestRunWorkerEndsWhenStoppedOverTheNetwork(t *testing.T) {
	ca := newAuthority(t)
	rt := newRuntime(t)
	started, ended := make(chan *wool.Worker, 1), make(chan error, 1)
	options := wool.WorkerOptions{
		Credentials: credentials(t, ca.issue(t, "worker.example")), Stoppers: []string{"admin.example"},
		Started: func(worker *wool.Worker) { started <- worker },
	}
	go func() { ended <- wool.RunWorker(testContext(t), rt, options, time.Hour) }()
	worker := await(t, "the worker", started)
	if status := stopBy(t, worker, ca, ca.issue(t, "admin.example")); status != "0" {
		t.Errorf("a stopper is answered %q", status)
	}
	must(t, await(t, "the end of the worker program", ended))
}

func TestPeersAreHeldToTheirLimits(t *testing.T) {
	ca := newAuthority(t)
	open := func(limits wool.PeerLimits) (first, second *wool.Pool, gate chan struct{}) {
		rt := newRuntime(t)
		gate = make(chan struct{})
		must(t, wool.Register(rt, "test.peer", peer))
		must(t, wool.Register(rt, "test.echo", echo))
		must(t, wool.Register(rt, "test.gate", func(ctx context.Context) error {
			gate <- struct{}{}
			<-gate
			return nil
		}))
		worker, err := wool.NewWorker(rt, wool.WorkerOptions{
			Credentials: credentials(t, ca.issue(t, "worker.example")), PeerLimits: limits,
		})
		must(t, err)
		options := wool.PoolOptions{
			Addresses: []string{worker.Address()}, Credentials: credentials(t, ca.issue(t, "caller.example")),
		}
		first = openPool(t, options)
		callsAs(t, first, "caller.example")
		second = openPool(t, options)
		return first, second, gate
	}
	for _, c := range []struct {
		limits  wool.PeerLimits
		problem string
	}{
		{wool.PeerLimits{Connections: 1}, "caller.example has 1 connections"},
		{wool.PeerLimits{Sessions: 1}, "caller.example has 1 sessions"},
	} {
		first, second, _ := open(c.limits)
		statusWhere(t, second, "the problem", func(status wool.PoolStatus) bool {
			return len(status.Workers) == 1 && status.Workers[0].State == wool.WorkerDown &&
				status.Workers[0].Problem != "" && strings.Contains(status.Workers[0].Problem, c.problem)
		})
		must(t, first.Close(testContext(t)))
		callsAs(t, second, "caller.example")
	}

	const most = 1 << 20
	briefly := wool.CallOptions{DispatchTimeout: 300 * time.Millisecond}
	first, _, _ := open(wool.PeerLimits{Bytes: most})
	_, err := first.Call(testContext(t), "test.echo", make([]byte, most/4*3), briefly)
	if !errors.Is(err, wool.ErrBusy) {
		t.Errorf("arguments for which a peer has no room gave %v", err)
	}
	_, err = first.Call(testContext(t), "test.echo", make([]byte, 2*most), briefly)
	if !errors.Is(err, wool.ErrPayloadTooLarge) {
		t.Errorf("arguments for which a peer never has room gave %v", err)
	}
	_, err = first.Call(testContext(t), "test.echo", make([]byte, most/8), briefly)
	must(t, err)

	first, second, gate := open(wool.PeerLimits{Calls: 1})
	callsAs(t, second, "caller.example")
	ended := make(chan error, 1)
	go func() {
		_, err := first.Call(testContext(t), "test.gate")
		ended <- err
	}()
	await(t, "the first call", gate)
	_, err = second.Call(testContext(t), "test.peer", briefly)
	if !errors.Is(err, wool.ErrBusy) {
		t.Errorf("a second call of the same peer: %v", err)
	}
	gate <- struct{}{}
	must(t, await(t, "the end of the first call", ended))
	callsAs(t, second, "caller.example")
}

func TestNegativePeerLimitsAreRefused(t *testing.T) {
	rt := newRuntime(t)
	for _, limits := range []wool.PeerLimits{{Connections: -1}, {Sessions: -1}, {Calls: -1}, {Bytes: -1}} {
		if _, err := wool.NewWorker(rt, wool.WorkerOptions{PeerLimits: limits}); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("%+v gave %v", limits, err)
		}
	}
}
