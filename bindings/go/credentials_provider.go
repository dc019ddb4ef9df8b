package wool

import (
	"errors"
	"log/slog"
	"time"
)

// provider asks the program's own function for credentials.
type provider struct {
	provide func() (CredentialsOptions, error)
	poll    time.Duration
	// left is closed when nobody wants to know any more.
	left chan struct{}
	// turn has room for the one who asks.
	turn chan struct{}
}

const (
	defaultPoll  = 10 * time.Second
	shortestPoll = 10 * time.Millisecond
)

// provided are the parts themselves, and of those that have one the provider, which has been asked once.
func (o *CredentialsOptions) provided() (CredentialsOptions, *provider, *Error) {
	if o.Provide == nil {
		return *o, nil, nil
	}
	if err := refuseNegative("Poll", o.Poll); err != nil {
		return CredentialsOptions{}, nil, err
	}
	files := o.CAFile + o.CertificateFile + o.KeyFile + o.CRLFile
	if len(o.CA)+len(o.Certificate)+len(o.Key)+len(o.CRL)+len(files) > 0 || o.OneWay {
		return CredentialsOptions{}, nil, newError(ErrInvalidArgument, "credentials with a Provide have no parts of their own: it gives all of them")
	}
	p := &provider{
		provide: o.Provide, poll: max(o.Poll, shortestPoll), left: make(chan struct{}), turn: make(chan struct{}, 1),
	}
	if o.Poll == 0 {
		p.poll = defaultPoll
	}
	parts, err := p.ask()
	if err != nil {
		return CredentialsOptions{}, nil, err
	}
	return parts, p, nil
}

// ask waits for the program, or until nobody wants to know any more.
func (p *provider) ask() (CredentialsOptions, *Error) {
	type answer struct {
		parts CredentialsOptions
		err   *Error
	}
	answers := make(chan answer, 1)
	go func() {
		given := answer{err: newError(ErrPanic, "the function that provides credentials ended its goroutine instead of returning")}
		defer func() {
			if value := recover(); value != nil {
				given.err = newError(ErrPanic, "the function that provides credentials panicked: %v", value)
			}
			answers <- given
		}()
		parts, err := p.provide()
		given = answer{parts, providerError(err)}
	}()
	select {
	case given := <-answers:
		if given.err == nil && given.parts.Provide != nil {
			given.err = newError(ErrInvalidArgument, "what Provide gives has a Provide itself: it gives the parts")
		}
		given.parts.Poll = p.poll // its files are looked at as often
		return given.parts, given.err
	case <-p.left:
		return CredentialsOptions{}, leftError()
	}
}

func (p *provider) isLeft() bool {
	select {
	case <-p.left:
		return true
	default:
		return false
	}
}

func leftError() *Error {
	return newError(ErrClosed, "the credentials have been closed, or get others, while their provider was asked")
}

// providerError keeps the kind of an [*Error].
func providerError(err error) *Error {
	if err == nil {
		return nil
	}
	kind := ErrIO
	var failure *Error
	if errors.As(err, &failure) && kindNames[failure.Kind] != "" {
		kind = failure.Kind
	}
	return &Error{Kind: kind, Message: "the function that provides credentials failed: " + err.Error(), Cause: err}
}

// followLocked lets a provider take the place of the one before. Both may be nil.
func (c *Credentials) followLocked(p *provider) {
	if c.provider != nil {
		close(c.provider.left)
	}
	c.provider, c.problem = p, nil
	if p != nil {
		go c.follow(p)
	}
}

// follow asks over and over. It keeps the credentials: what is used and provided is not to be collected.
func (c *Credentials) follow(p *provider) {
	due := time.NewTicker(p.poll)
	defer due.Stop()
	before := ""
	for {
		select {
		case <-p.left:
			return
		case <-due.C:
		}
		renewed, err := c.renew(p)
		if p.isLeft() {
			return
		}
		problem := ""
		switch {
		case err != nil:
			problem = err.Message
			if problem != before {
				c.log(slog.LevelError, "new credentials cannot be used, those before stay: "+problem)
			}
		case renewed:
			c.log(slog.LevelInfo, "the credentials have been renewed")
		}
		before = problem
	}
}

// renew asks the provider and takes what it gives, unless it has been left meanwhile.
func (c *Credentials) renew(p *provider) (bool, *Error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-p.left:
		return false, leftError()
	}
	parts, err := p.ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider != p {
		return false, leftError()
	}
	renewed := false
	if err == nil {
		renewed, err = c.updateLocked(&parts)
	}
	c.problem = err
	return renewed, err
}

// logTo has what happens to the credentials logged there, too; nil logs nothing.
func (c *Credentials) logTo(sink *logSink) {
	if sink == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.logs {
		if other.isClosed() {
			delete(c.logs, other)
		}
	}
	c.logs[sink] = struct{}{}
}

func (c *Credentials) log(level slog.Level, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sink := range c.logs {
		sink.log(level, "tls", message)
	}
}
