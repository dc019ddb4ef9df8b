// Workers are found in a folder, by a discovery of the program's own, and on the local network.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// folder is a discovery: a file for each worker, as JSON, under its uid.
type folder string

func (f folder) file(uid string) string { return filepath.Join(string(f), uid+".json") }

func (f folder) Publish(_ context.Context, record wool.WorkerRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	// Nobody is to read half a record.
	draft := f.file(record.UID) + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, f.file(record.UID))
}

func (f folder) Withdraw(_ context.Context, uid string) error {
	err := os.Remove(f.file(uid))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Subscribe tells a pool what has changed, until that is closed.
func (f folder) Subscribe(ctx context.Context, s *wool.Subscriber) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	known := map[string]wool.WorkerRecord{}
	for {
		there, err := f.records()
		if err != nil {
			return err
		}
		for uid, record := range there {
			if reflect.DeepEqual(known[uid], record) {
				continue
			}
			if err := s.Found(record); err != nil {
				return err
			}
		}
		for uid := range known {
			if _, found := there[uid]; !found {
				s.Gone(uid)
			}
		}
		known = there
		s.Scanned()
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

func (f folder) records() (map[string]wool.WorkerRecord, error) {
	files, err := filepath.Glob(f.file("*"))
	if err != nil {
		return nil, err
	}
	records := map[string]wool.WorkerRecord{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just gone
		}
		var record wool.WorkerRecord
		if err := errors.Join(err, json.Unmarshal(text, &record)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		records[record.UID] = record
	}
	return records, nil
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	directory, err := os.MkdirTemp("", "wool-discovery-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	card := func(_ context.Context, n int) (int, error) { return n, nil }
	if err := wool.Register(rt, "wool.card", card); err != nil {
		return err
	}

	own := wool.CustomDiscovery(folder(directory))
	// This machine is all of its network; without Interfaces it is every network but that.
	lan := wool.LANDiscovery{Namespace: fmt.Sprint("shearing-", os.Getpid()), Interfaces: []string{"lo"}}
	_, err = wool.NewWorker(rt, wool.WorkerOptions{
		Publish: wool.StackedDiscovery{own, lan},
		Extra:   map[string]string{"zone": "hill"},
	})
	if err != nil {
		return err
	}

	for _, discovery := range []wool.Discovery{own, lan} {
		pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
		if err != nil {
			return err
		}
		carded, err := wool.Call[int](ctx, pool, "wool.card", 3)
		if err != nil {
			return err
		}
		listing, err := wool.ListWorkers(ctx, rt, discovery)
		if err != nil {
			return err
		}
		for _, worker := range listing.Workers {
			fmt.Println("carded", carded, "in the zone", worker.Extra["zone"])
		}
		if err := pool.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}
