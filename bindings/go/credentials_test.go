package wool_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// authority signs certificates, with Go's own library: another than that which the core verifies them with.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes the options of a peer of these DNS names, which may be on this machine.
func (a *authority) issue(t *testing.T, names ...string) wool.CredentialsOptions {
	t.Helper()
	return a.issueAt(t, []net.IP{net.IPv4(127, 0, 0, 1)}, names...)
}

// issueAt is issue for one that may be at these addresses.
func (a *authority) issueAt(t *testing.T, addresses []net.IP, names ...string) wool.CredentialsOptions {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: names, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	must(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return wool.CredentialsOptions{
		CA:          a.pem,
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}
}

func credentials(t *testing.T, options wool.CredentialsOptions) *wool.Credentials {
	t.Helper()
	c, err := wool.NewCredentials(options)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// peer says who has called it.
func peer(ctx context.Context) ([]string, error) {
	info, _ := wool.TaskFromContext(ctx)
	return info.Peer, nil
}

// callsAs calls test.peer until it is called under that name.
func callsAs(t *testing.T, pool *wool.Pool, name string) {
	t.Helper()
	ctx := testContext(t)
	poll(t, "calls as "+name, func() bool {
		names, err := wool.Call[[]string](ctx, pool, "test.peer")
		must(t, err)
		return slices.Equal(names, []string{name})
	})
}

func TestCallsGoByTLSAndSayWhoCalls(t *testing.T) {
	ctx := testContext(t)
	ca := newAuthority(t)
	rt := newRuntime(t)
	must(t, wool.Register(rt, "test.peer", peer))
	must(t, wool.Register(rt, "test.secret", peer))
	asked := make(chan []string, 8)
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{
		Credentials:    credentials(t, ca.issue(t, "worker.example")),
		Callers:        []string{"*.example"},
		RoutineCallers: []wool.RoutineCallers{{Routine: "test.secret", Callers: []string{"admin.example"}}},
		Admit: func(_ context.Context, request wool.AdmissionRequest) error {
			asked <- request.Peer()
			return nil
		},
	})
	must(t, err)
	open := func(c *wool.Credentials) *wool.Pool {
		pool, err := wool.NewPool(rt, wool.PoolOptions{
			Addresses: []string{worker.Address()}, Credentials: c, DispatchTimeout: 2 * time.Second,
		})
		must(t, err)
		return pool
	}
	// Closed credentials go on where they are used.
	own, err := wool.NewCredentials(ca.issue(t, "caller.example"))
	must(t, err)
	pool := open(own)
	own.Close()
	names, err := wool.Call[[]string](ctx, pool, "test.peer")
	must(t, err)
	if want := []string{"caller.example"}; !slices.Equal(names, want) || !slices.Equal(<-asked, want) {
		t.Errorf("the caller is %q", names)
	}
	if _, err := wool.Call[[]string](ctx, pool, "test.secret"); !errors.Is(err, wool.ErrPermissionDenied) {
		t.Errorf("a routine for others answers %v", err)
	}
	for _, other := range []*wool.Credentials{
		nil, credentials(t, ca.issue(t, "caller.else")), credentials(t, newAuthority(t).issue(t, "caller.example")),
	} {
		if _, err := wool.Call[[]string](ctx, open(other), "test.peer"); !errors.Is(err, wool.ErrNoWorkersAvailable) {
			t.Errorf("a stranger is told %v", err)
		}
	}
	if err := own.Update(ca.issue(t, "x")); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("closed credentials answer %v", err)
	}
}

// A list of nobody must not become one that lets in all.
func TestEmptyListsOfCallersAreRefused(t *testing.T) {
	rt := newRuntime(t)
	for _, options := range []wool.WorkerOptions{
		{Callers: []string{}},
		{RoutineCallers: []wool.RoutineCallers{{Routine: "test.secret"}}},
		{RoutineCallers: []wool.RoutineCallers{{Routine: "test.secret", Callers: []string{}}}},
	} {
		if _, err := wool.NewWorker(rt, options); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("%+v gave %v", options, err)
		}
	}
}

func TestRenewedCredentialsAreTaken(t *testing.T) {
	ca := newAuthority(t)
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	write := func(options wool.CredentialsOptions) {
		t.Helper()
		must(t, os.WriteFile(file("key"), options.Key, 0o600))
		must(t, os.WriteFile(file("certificate"), options.Certificate, 0o600))
	}
	write(ca.issue(t, "first.example"))
	own := credentials(t, wool.CredentialsOptions{
		CA: ca.pem, CertificateFile: file("certificate"), KeyFile: file("key"), Poll: time.Hour,
	})
	if renewed, err := own.Reload(); renewed || err != nil {
		t.Errorf("nothing has changed: %v, %v", renewed, err)
	}
	must(t, os.WriteFile(file("key"), []byte("nonsense"), 0o600))
	if _, err := own.Reload(); !errors.Is(err, wool.ErrInvalidArgument) || !errors.Is(own.Problem(), wool.ErrInvalidArgument) {
		t.Errorf("a broken key: %v, %v", err, own.Problem())
	}
	rt := newRuntime(t)
	must(t, wool.Register(rt, "test.peer", peer))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Credentials: credentials(t, ca.issue(t, "worker.example"))})
	must(t, err)
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}, Credentials: own})
	must(t, err)
	write(ca.issue(t, "second.example"))
	if renewed, err := own.Reload(); !renewed || err != nil || own.Problem() != nil {
		t.Errorf("new files: %v, %v, %v", renewed, err, own.Problem())
	}
	callsAs(t, pool, "second.example")
}
