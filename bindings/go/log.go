package wool

// #include "shim.h"
import "C"

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"
)

// logSink carries the core's log lines to a logger. The core calls from its own threads and must not
// be held up, so that a goroutine of the sink does the logging; when that does not keep up, lines are
// dropped and counted.
type logSink struct {
	logger *slog.Logger
	lines  chan logLine
	// dropped counts lines lost since the last one logged.
	dropped atomic.Uint64
	// mu orders the last line before the channel's close.
	mu     sync.Mutex
	closed bool
}

type logLine struct {
	level           slog.Level
	target, message string
}

// logBacklog is how many lines may wait for the logger.
const logBacklog = 1024

var (
	// logSinks maps the number that the core holds to its sink: uint64 -> *logSink.
	logSinks    sync.Map
	lastLogSink atomic.Uint64
)

// newLogSink starts a sink and returns its number.
func newLogSink(logger *slog.Logger) (*logSink, uint64) {
	sink := &logSink{logger: logger, lines: make(chan logLine, logBacklog)}
	number := lastLogSink.Add(1)
	logSinks.Store(number, sink)
	go sink.run()
	return sink, number
}

func (s *logSink) run() {
	for line := range s.lines {
		ctx := context.Background()
		if lost := s.dropped.Swap(0); lost > 0 {
			s.logger.Log(ctx, slog.LevelWarn, "log lines were dropped", "target", "wool", "count", lost)
		}
		s.logger.Log(ctx, line.level, line.message, "target", line.target)
	}
}

// log never blocks.
func (s *logSink) log(level slog.Level, target, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.lines <- logLine{level, target, message}:
	default:
		s.dropped.Add(1)
	}
}

func (s *logSink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.lines)
	}
}

func (s *logSink) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// logLevel is the most detailed of the core's levels that the logger wants.
func logLevel(logger *slog.Logger) C.int32_t {
	ctx := context.Background()
	switch {
	case logger.Enabled(ctx, slog.LevelDebug):
		return 4
	case logger.Enabled(ctx, slog.LevelInfo):
		return 3
	case logger.Enabled(ctx, slog.LevelWarn):
		return 2
	default:
		return 1
	}
}

func slogLevel(level C.int32_t) slog.Level {
	switch level {
	case 1:
		return slog.LevelError
	case 2:
		return slog.LevelWarn
	case 3:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

func findLogSink(number C.uint64_t) (*logSink, bool) {
	found, ok := logSinks.Load(uint64(number))
	if !ok {
		return nil, false
	}
	sink, ok := found.(*logSink)
	return sink, ok
}

//export woolGoLog
func woolGoLog(number C.uint64_t, level C.int32_t, target *C.uint8_t, targetLen C.size_t, message *C.uint8_t, messageLen C.size_t) {
	if sink, ok := findLogSink(number); ok {
		sink.log(slogLevel(level), copyText(target, targetLen), copyText(message, messageLen))
	}
}

func copyText(ptr *C.uint8_t, length C.size_t) string {
	return string(unsafe.Slice((*byte)(ptr), int(length)))
}

//export woolGoLogDestroy
func woolGoLogDestroy(number C.uint64_t) {
	if sink, ok := findLogSink(number); ok {
		logSinks.Delete(uint64(number))
		sink.close()
	}
}
