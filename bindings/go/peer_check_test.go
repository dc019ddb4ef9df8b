package wool_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// claims is a worker that is nobody at its address: it can be reached by who believes the identity that it claims.
func claims(t *testing.T, ca *authority) (*wool.Worker, wool.Discovery) {
	t.Helper()
	rt := newRuntime(t)
	must(t, wool.Register(rt, "test.peer", peer))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{
		Credentials: credentials(t, ca.issueAt(t, nil, "worker.example")), Identity: "worker.example",
	})
	must(t, err)
	return worker, wool.CustomDiscovery(finder(func(_ context.Context, s *wool.Subscriber) error {
		return s.Found(wool.WorkerRecord{
			UID: worker.UID(), Addresses: []string{worker.Address()}, Secure: true, Identity: "worker.example",
		})
	}))
}

func TestPeerCheckSaysWhoIsBelieved(t *testing.T) {
	ca := newAuthority(t)
	worker, discovery := claims(t, ca)
	own := credentials(t, ca.issue(t, "caller.example"))
	for _, c := range []struct {
		what, problem string
		check         func(peer wool.PeerInfo) (bool, error)
	}{
		{"believes", "", func(wool.PeerInfo) (bool, error) { return true, nil }},
		{"does not believe", `not for "127.0.0.1"`, func(wool.PeerInfo) (bool, error) { return false, nil }},
		{"fails", "the list is lost", func(wool.PeerInfo) (bool, error) { return true, errors.New("the list is lost") }},
		{"fails without words", "no words", func(wool.PeerInfo) (bool, error) { return true, &hostile{} }},
		{"panics", "the list burns", func(wool.PeerInfo) (bool, error) { panic("the list burns") }},
		{"ends its goroutine", "instead of returning", func(wool.PeerInfo) (bool, error) {
			runtime.Goexit()
			return true, nil
		}},
	} {
		asked := make(chan wool.PeerInfo, 1)
		pool := openPool(t, wool.PoolOptions{
			Discovery: discovery, Credentials: own,
			PeerCheck: func(_ context.Context, peer wool.PeerInfo) (bool, error) {
				select {
				case asked <- peer:
				default: // the pool tries again
				}
				return c.check(peer)
			},
		})
		if got, want := await(t, "the question", asked), (wool.PeerInfo{Identity: "worker.example", UID: worker.UID()}); got != want {
			t.Errorf("a check that %s was asked about %+v", c.what, got)
		}
		if c.problem == "" {
			callsAs(t, pool, "caller.example")
		} else {
			statusWhere(t, pool, "the problem of a check that "+c.what, func(status wool.PoolStatus) bool {
				return len(status.Workers) == 1 && status.Workers[0].State != wool.WorkerUp &&
					strings.Contains(status.Workers[0].Problem, c.problem)
			})
		}
		must(t, pool.Close(testContext(t)))
	}
}

// A check that waits learns when there is no use in waiting, and holds up neither pool nor runtime.
func TestPeerCheckThatWaits(t *testing.T) {
	ca := newAuthority(t)
	_, discovery := claims(t, ca)
	own := credentials(t, ca.issue(t, "caller.example"))
	for _, closes := range []string{"pool", "runtime"} {
		asked, left := make(chan struct{}, 1), make(chan error, 1)
		rt, err := wool.NewRuntime()
		must(t, err)
		pool, err := wool.NewPool(rt, wool.PoolOptions{
			Discovery: discovery, Credentials: own,
			PeerCheck: func(ctx context.Context, _ wool.PeerInfo) (bool, error) {
				if _, bounded := ctx.Deadline(); !bounded {
					t.Error("a check has no deadline")
				}
				asked <- struct{}{}
				<-ctx.Done()
				left <- ctx.Err()
				return false, ctx.Err()
			},
		})
		must(t, err)
		await(t, "the question", asked)
		if closes == "pool" {
			must(t, pool.Close(testContext(t)))
			if err := await(t, "the end of the check's context", left); err != context.Canceled {
				t.Errorf("when the pool closed, the check's context ended by %v", err)
			}
		}
		must(t, rt.Close(testContext(t)))
		if closes == "runtime" {
			if err := await(t, "the end of the check's context", left); err != context.Canceled {
				t.Errorf("when the runtime closed, the check's context ended by %v", err)
			}
		}
	}
}

func TestPeerCheckStandsAlone(t *testing.T) {
	ca := newAuthority(t)
	_, err := wool.NewPool(newRuntime(t), wool.PoolOptions{
		Addresses: []string{"127.0.0.1:1"}, Credentials: credentials(t, ca.issue(t, "caller.example")),
		Peers:           []string{"*"},
		PeerCheck:       func(context.Context, wool.PeerInfo) (bool, error) { return true, nil },
		DispatchTimeout: time.Second,
	})
	if !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("patterns beside a check gave %v", err)
	}
}
