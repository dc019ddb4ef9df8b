package wool_test

import (
	"context"
	"log"
	"os"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// A worker that others on the network call, by certificates in files, which may be renewed while it serves.
func ExampleCredentials() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	credentials, err := wool.NewCredentials(wool.CredentialsOptions{
		CAFile: "ca.pem", CertificateFile: "worker.pem", KeyFile: "worker.key",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer credentials.Close()
	err = wool.RunWorker(context.Background(), rt, wool.WorkerOptions{
		Bind: "0.0.0.0:7000", Credentials: credentials,
		// Whoever has a name below farm.example may call, but calc.reset is for one alone.
		Callers:        []string{"*.farm.example"},
		RoutineCallers: []wool.RoutineCallers{{Routine: "calc.reset", Callers: []string{"shepherd.farm.example"}}},
	}, 30*time.Second)
	if err != nil {
		log.Fatal(err)
	}
}

// Credentials that come from a store of secrets, which is asked every minute.
func ExampleCredentialsOptions_provide() {
	fromStore := func(name string) ([]byte, error) { return os.ReadFile(name) }
	credentials, err := wool.NewCredentials(wool.CredentialsOptions{
		Poll: time.Minute,
		Provide: func() (parts wool.CredentialsOptions, err error) {
			if parts.CA, err = fromStore("ca.pem"); err != nil {
				return parts, err
			}
			if parts.Certificate, err = fromStore("caller.pem"); err != nil {
				return parts, err
			}
			parts.Key, err = fromStore("caller.key")
			return parts, err
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer credentials.Close()
	if problem := credentials.Problem(); problem != nil {
		log.Print("still in use are those of before: ", problem)
	}
}
