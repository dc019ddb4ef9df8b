package main

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// driverOptions are "key=value" words, by key; some keys come several times. Values that stand in a line
// of commands are percent-encoded where they have spaces.
type driverOptions map[string][]string

// rawOptions are those whose values are several texts, each a token of its own.
var rawOptions = map[string]bool{"extra": true, "allow": true}

func parseOptions(words []string) (driverOptions, error) {
	options := make(driverOptions)
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found {
			return nil, fmt.Errorf("option %q is not of the form key=value", word)
		}
		if text, err := url.PathUnescape(value); err == nil && !rawOptions[key] {
			value = text
		}
		options[key] = append(options[key], value)
	}
	return options, nil
}

func (o driverOptions) has(key string) bool { return len(o[key]) > 0 }

// text is the last value of a key; empty without one.
func (o driverOptions) text(key string) string {
	if values := o[key]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// number is 0 without the key.
func (o driverOptions) number(key string) (int64, error) {
	if !o.has(key) {
		return 0, nil
	}
	n, err := strconv.ParseInt(o.text(key), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return n, nil
}

// numbers stores the values of keys, 0 of those that are not there.
func (o driverOptions) numbers(targets map[string]*int64) error {
	for key, target := range targets {
		n, err := o.number(key)
		if err != nil {
			return err
		}
		*target = n
	}
	return nil
}

// call are the options of one call or stream.
func (o driverOptions) call() (wool.CallOptions, error) {
	var stepTimeout, prefetch int64
	err := o.numbers(map[string]*int64{"step_timeout": &stepTimeout, "prefetch": &prefetch})
	return wool.CallOptions{
		StepTimeout: span(stepTimeout), Prefetch: uint32(min(prefetch, math.MaxUint32)), Tag: o.text("tag"), Worker: o.text("worker"),
	}, err
}

func (o driverOptions) worker(count *counters) (wool.WorkerOptions, error) {
	var concurrency, maxPayload int64
	err := o.numbers(map[string]*int64{"concurrency": &concurrency, "max_payload": &maxPayload})
	options := wool.WorkerOptions{
		Concurrency: uint32(concurrency), MaxPayload: uint64(maxPayload), SocketPath: o.text("socket"), Secret: []byte(o.text("secret")),
		Tags: o["tag"], Publish: o.discovery("publish"), Bind: o.text("bind"), Advertise: o["advertise"],
		AllowPlaintext: o.text("allow_plaintext") == "1", Identity: o.text("identity"), Callers: o["caller_name"], Peers: o["peer"],
		Stoppers: o["stopper"],
	}
	if err != nil {
		return options, err
	}
	if options.Extra, err = o.extra(); err != nil {
		return options, err
	}
	if options.RoutineCallers, err = o.routineCallers(); err != nil {
		return options, err
	}
	if options.PeerLimits, err = o.peerLimits(); err != nil {
		return options, err
	}
	if o.text("admit") == "tags" {
		options.Admit = count.admit
	}
	options.Credentials, err = count.keys.open(o)
	return options, err
}

// extra has the texts of NAME:VALUE.
func (o driverOptions) extra() (map[string]string, error) {
	extra := make(map[string]string)
	for _, pair := range o["extra"] {
		nameToken, valueToken, _ := strings.Cut(pair, ":")
		name, err := parseText(nameToken)
		if err != nil {
			return nil, err
		}
		if extra[name], err = parseText(valueToken); err != nil {
			return nil, err
		}
	}
	return extra, nil
}

func (o driverOptions) pool(count *counters) (wool.PoolOptions, error) {
	var spawn, concurrency, grace, lease, quorum, quorumTimeout, dispatchTimeout int64
	none := o.text("spawn") == "none"
	if none {
		o["spawn"] = []string{"-1"}
	}
	err := o.numbers(map[string]*int64{
		"spawn": &spawn, "concurrency": &concurrency, "grace": &grace, "lease": &lease, "quorum": &quorum,
		"quorum_timeout": &quorumTimeout, "dispatch_timeout": &dispatchTimeout,
	})
	options := wool.PoolOptions{
		Spawn: int(spawn), Command: o["command"], Concurrency: uint32(concurrency), Grace: span(grace),
		Discovery: o.discovery("discovery"), Tags: o["tag"], Lease: uint32(lease), Quorum: uint32(quorum),
		QuorumTimeout: span(quorumTimeout), DispatchTimeout: span(dispatchTimeout), Secret: []byte(o.text("secret")),
		Bind: o.text("bind"), Advertise: o["advertise"], AllowPlaintext: o.text("allow_plaintext") == "1",
		Balancer: o.balancer(), Identity: o.text("identity"), Peers: o["peer"], PeerCheck: o.peerCheck(),
	}
	if err != nil {
		return options, err
	}
	if o.has("address") {
		options.Addresses = strings.Split(o.text("address"), ",")
	}
	options.Credentials, err = count.keys.open(o)
	return options, err
}

// span is so many milliseconds; those beyond what a Duration holds are the longest.
func span(milliseconds int64) time.Duration {
	return time.Duration(min(max(milliseconds, -1), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
