package main

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// discovery is what the options say of where workers are, of the local one its namespace under that key; nil where they
// say nothing.
func (o driverOptions) discovery(local string) wool.Discovery {
	var stack wool.StackedDiscovery
	if o.has(local) {
		stack = append(stack, wool.LocalDiscovery{Namespace: o.text(local), Directory: o.text("directory")})
	}
	if o.has("lan") {
		namespace := o.text("lan")
		if namespace == "-" {
			namespace = ""
		}
		stack = append(stack, wool.LANDiscovery{Namespace: namespace, Interfaces: o["interface"]})
	}
	if o.has("static") {
		stack = append(stack, wool.StaticDiscovery{Addresses: strings.Split(o.text("static"), ",")})
	}
	if o.has("dns") {
		stack = append(stack, wool.DNSDiscovery{Name: o.text("dns"), Servers: o["dns_server"]})
	}
	if o.has("custom") {
		stack = append(stack, wool.CustomDiscovery(directory(o.text("custom"))))
	}
	switch len(stack) {
	case 0:
		return nil
	case 1:
		return stack[0]
	default:
		return stack
	}
}

// directory is the driver's own discovery: a file for each worker, its uid the name, its record the content.
type directory string

// lookEvery is the pause between two looks into the directory.
const lookEvery = 20 * time.Millisecond

func (d directory) Publish(_ context.Context, record wool.WorkerRecord) error {
	encoded, err := wool.Marshal(recordValue(record))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(string(d), ".*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(hex.EncodeToString(encoded))
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(string(d), record.UID))
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

func (d directory) Withdraw(_ context.Context, uid string) error {
	err := os.Remove(filepath.Join(string(d), uid))
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func (d directory) Subscribe(ctx context.Context, s *wool.Subscriber) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	known := make(map[string]wool.WorkerRecord)
	for first := true; ; first = false {
		there, err := d.read()
		if err != nil {
			return err
		}
		for uid, record := range there {
			if old, found := known[uid]; found && reflect.DeepEqual(old, record) {
				continue
			}
			if s.Found(record) != nil {
				delete(there, uid) // the file is no record
			}
		}
		for uid := range known {
			if _, found := there[uid]; !found {
				s.Gone(uid)
			}
		}
		known = there
		if first {
			s.Scanned()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read leaves alone what is no record. The first worker makes the directory.
func (d directory) read() (map[string]wool.WorkerRecord, error) {
	files, err := os.ReadDir(string(d))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	records := make(map[string]wool.WorkerRecord)
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(string(d), file.Name()))
		if err != nil {
			continue // it has just gone
		}
		encoded, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		var record wool.WorkerRecord
		if wool.Unmarshal(encoded, &record) == nil {
			records[file.Name()] = record
		}
	}
	return records, nil
}

// recordOnWire is a record with all its parts, whether they are known or not.
type recordOnWire struct {
	UID       string            `wool:"uid"`
	Addresses []string          `wool:"addresses"`
	Tags      []string          `wool:"tags"`
	Extra     map[string]string `wool:"extra"`
	Secure    bool              `wool:"secure"`
	Identity  string            `wool:"identity"`
	PID       uint32            `wool:"pid"`
	Language  string            `wool:"language"`
	Version   string            `wool:"version"`
	Protocol  [2]uint32         `wool:"protocol"`
	Doors     []string          `wool:"doors"`
}

func recordValue(record wool.WorkerRecord) recordOnWire { return recordOnWire(record) }

// listingOnWire is a listing as the map of the protocol.
type listingOnWire struct {
	Workers    []recordOnWire    `wool:"workers"`
	TurnedAway []wool.TurnedAway `wool:"turned_away"`
	Problem    *problemOnWire    `wool:"problem"`
}

func listingValue(l wool.Listing) listingOnWire {
	listing := listingOnWire{TurnedAway: l.TurnedAway}
	for _, record := range l.Workers {
		listing.Workers = append(listing.Workers, recordValue(record))
	}
	if l.Problem != nil {
		listing.Problem = &problemOnWire{l.Problem.Kind.String(), l.Problem.Message}
	}
	return listing
}

func (c *caller) list(id string, rest []string) error {
	options, err := parseOptions(rest)
	if err != nil {
		return err
	}
	ctx, err := c.context(id, options)
	if err != nil {
		return err
	}
	pool, err := c.pool(nil)
	if err != nil {
		return err
	}
	pool.request(func() {
		listing, err := wool.ListWorkers(ctx, c.rt, options.discovery("discovery"))
		sayValue("listing", id, listingValue(listing), err)
	})
	return nil
}
