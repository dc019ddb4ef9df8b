package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// renewEvery is the pause between two looks at credentials.
const renewEvery = 50 * time.Millisecond

// keyring has the credentials of a process. Safe for concurrent use.
type keyring struct {
	mu  sync.Mutex
	all []*wool.Credentials
}

// open makes those that the options name, nil without, which belong to the keyring.
func (k *keyring) open(o driverOptions) (*wool.Credentials, error) {
	if folder := o.text("credentials"); folder == "" || folder == "-" {
		return nil, nil
	}
	options := o.credentialFiles()
	if o.text("provided") == "1" {
		files := options
		options = wool.CredentialsOptions{Provide: func() (wool.CredentialsOptions, error) { return readFiles(files) }}
	}
	options.Poll = renewEvery
	credentials, err := wool.NewCredentials(options)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, credentials)
	return credentials, nil
}

// own are those that the process was given first; nil without.
func (k *keyring) own() *wool.Credentials {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) == 0 {
		return nil
	}
	return k.all[0]
}

func (k *keyring) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, credentials := range k.all {
		credentials.Close()
	}
}

// reload gives the token for what it has found.
func (k *keyring) reload() (string, error) {
	own := k.own()
	if own == nil {
		return "", errNoCredentials
	}
	renewed, err := own.Reload()
	return map[bool]string{true: "1", false: "0"}[renewed], err
}

// problem is a token for its text.
func (k *keyring) problem() (string, error) {
	own := k.own()
	if own == nil {
		return "", errNoCredentials
	}
	if problem := own.Problem(); problem != nil {
		return textToken(messageOf(problem)), nil
	}
	return textToken(""), nil
}

var errNoCredentials = &wool.Error{Kind: wool.ErrInvalidArgument, Message: "this process has no credentials"}

// readFiles gives as texts what the options name as files.
func readFiles(files wool.CredentialsOptions) (parts wool.CredentialsOptions, err error) {
	parts.OneWay = files.OneWay
	for _, file := range []struct {
		path string
		text *[]byte
	}{{files.CAFile, &parts.CA}, {files.CertificateFile, &parts.Certificate}, {files.KeyFile, &parts.Key}} {
		if file.path == "" {
			continue
		}
		if *file.text, err = os.ReadFile(file.path); err != nil {
			return parts, err
		}
	}
	return parts, nil
}

func (o driverOptions) credentialFiles() wool.CredentialsOptions {
	folder, name := o.text("credentials"), "own"
	if o.has("certificate") {
		name = o.text("certificate")
	}
	files := wool.CredentialsOptions{CAFile: filepath.Join(folder, "ca.pem"), OneWay: o.text("one_way") == "1"}
	if name != "-" {
		files.CertificateFile, files.KeyFile = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	}
	return files
}

// routineCallers are those of ROUTINE:PATTERN, both texts.
func (o driverOptions) routineCallers() (rules []wool.RoutineCallers, err error) {
	for _, pair := range o["allow"] {
		routineToken, patternToken, found := strings.Cut(pair, ":")
		if !found {
			return nil, fmt.Errorf("allow=%s is no routine and pattern", pair)
		}
		routine, err := parseText(routineToken)
		if err != nil {
			return nil, err
		}
		pattern, err := parseText(patternToken)
		if err != nil {
			return nil, err
		}
		if last := len(rules) - 1; last >= 0 && rules[last].Routine == routine {
			rules[last].Callers = append(rules[last].Callers, pattern)
			continue
		}
		rules = append(rules, wool.RoutineCallers{Routine: routine, Callers: []string{pattern}})
	}
	return rules, nil
}

// peerLimits are those of CONNECTIONS:SESSIONS:CALLS:BYTES.
func (o driverOptions) peerLimits() (limits wool.PeerLimits, err error) {
	if !o.has("peer_limits") {
		return limits, nil
	}
	parts := strings.Split(o.text("peer_limits"), ":")
	if len(parts) != 4 {
		return limits, fmt.Errorf("peer_limits=%s are not four numbers", o.text("peer_limits"))
	}
	for i, target := range []*int{&limits.Connections, &limits.Sessions, &limits.Calls} {
		if *target, err = strconv.Atoi(parts[i]); err != nil {
			return limits, err
		}
	}
	limits.Bytes, err = strconv.ParseInt(parts[3], 10, 64)
	return limits, err
}

// peerCheck believes one identity; nil without the option.
func (o driverOptions) peerCheck() func(ctx context.Context, peer wool.PeerInfo) (bool, error) {
	if !o.has("peer_check") {
		return nil
	}
	believed := o.text("peer_check")
	return func(_ context.Context, peer wool.PeerInfo) (bool, error) {
		if believed == "throw" {
			panic("the check threw")
		}
		return peer.Identity == believed, nil
	}
}

// reload may wait for a disk.
func (c *caller) reload(id string, _ []string) error {
	c.pools[""].request(func() {
		renewed, err := c.count.keys.reload()
		if err != nil {
			sayError(id, err)
			return
		}
		say("reloaded", id, renewed)
	})
	return nil
}

func (c *caller) problem(id string, _ []string) error {
	problem, err := c.count.keys.problem()
	if err != nil {
		return err
	}
	say("problem", id, problem)
	return nil
}
