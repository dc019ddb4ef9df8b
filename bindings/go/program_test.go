package wool_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// The test's own program is other programs too, as this environment variable says.
const (
	programVariable      = "WOOL_GO_TEST_PROGRAM"
	programWithoutMain   = "without-main"
	programThatHolds     = "holds"
	programThatIsAWorker = "worker"
)

// processRoutines are served by the worker processes that tests start.
var processRoutines = map[string]any{
	"process.pid":       func(context.Context) (int, error) { return os.Getpid(), nil },
	"process.arguments": func(context.Context) ([]string, error) { return os.Args, nil },
	"process.exit": func(_ context.Context, status int) error {
		os.Exit(status)
		return nil
	},
	"process.count": count,
	"process.deaf": func(context.Context) error {
		select {}
	},
	// For the examples.
	"calc.add": add,
	// hold is a stream that tells its process, and then does not end by itself.
	"process.hold": func(ctx context.Context, y *wool.Yield[any, int]) error {
		if _, err := y.Yield(os.Getpid()); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	},
}

func count(_ context.Context, y *wool.Yield[any, int], n int) error {
	for i := range n {
		if _, err := y.Yield(i); err != nil {
			return err
		}
	}
	return nil
}

// runWithoutMain is a program that has not passed wool.Main. It prints what a pool makes of that.
func runWithoutMain() int {
	rt, err := wool.NewRuntime()
	if err == nil {
		_, err = wool.NewPool(rt, wool.PoolOptions{Spawn: 1})
	}
	if err == nil {
		fmt.Println("a pool was made")
		return 0
	}
	var failure *wool.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Kind, failure.Message)
	}
	return 0
}

// runAndHold is a program that starts two workers, prints their processes, and waits for the end of its
// standard input.
func runAndHold(rt *wool.Runtime) error {
	fmt.Println("main")
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 2})
	if err != nil {
		return err
	}
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for ; ; <-pause.C {
		status, err := pool.Status()
		if err != nil {
			return err
		}
		if pids := serving(status); len(pids) == 2 {
			fmt.Println(pids[0], pids[1])
			break
		}
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func program(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	command := exec.CommandContext(testContext(t), self)
	command.Env = append(os.Environ(), programVariable+"="+name)
	command.Stderr = os.Stderr
	return command
}

func TestProgramWithoutMainIsNotStartedAgain(t *testing.T) {
	out, err := program(t, programWithoutMain).Output()
	must(t, err)
	if said := string(out); !strings.HasPrefix(said, "SPAWN_FAILED ") || !strings.Contains(said, "wool.Main") {
		t.Errorf("the program said %q", said)
	}
}

// holdingProgram starts a program that holds two workers; closing its input ends it.
func holdingProgram(t *testing.T) (command *exec.Cmd, workers []int, input io.Closer, output *bufio.Reader) {
	t.Helper()
	command = program(t, programThatHolds)
	input, err := command.StdinPipe()
	must(t, err)
	pipe, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	output = bufio.NewReader(pipe)
	first, err := output.ReadString('\n')
	must(t, err)
	if first != "main\n" {
		t.Fatalf("the program said %q", first)
	}
	second, err := output.ReadString('\n')
	must(t, err)
	for _, text := range strings.Fields(second) {
		pid, err := strconv.Atoi(text)
		must(t, err)
		workers = append(workers, pid)
	}
	return command, workers, input, output
}

func TestMainRunsInTheParentOnly(t *testing.T) {
	command, workers, input, output := holdingProgram(t)
	must(t, input.Close())
	rest, err := io.ReadAll(output)
	must(t, err)
	if len(rest) > 0 {
		t.Errorf("the program also said %q", rest)
	}
	must(t, command.Wait())
	for _, pid := range workers {
		if isThere(pid) {
			t.Errorf("process %d outlived its pool", pid)
		}
	}
}

func TestWorkersEndWithTheirParent(t *testing.T) {
	command, workers, _, _ := holdingProgram(t)
	must(t, command.Process.Kill())
	for _, pid := range workers {
		poll(t, fmt.Sprintf("the end of process %d", pid), func() bool { return !isThere(pid) })
	}
}

func TestMainReturnsErrors(t *testing.T) {
	rt := newRuntime(t)
	failure := errors.New("baa")
	if err := wool.Main(rt, func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("Main gave %v", err)
	}
	if err := wool.Register(rt, "late", add); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a routine after Main gave %v", err)
	}
	run := func() error { t.Error("the program runs although Main failed"); return nil }
	if err := wool.Main(rt, run); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("Main with a closed runtime gave %v", err)
	}
}

// isThere: the process has not ended. One that nobody has reaped has.
func isThere(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
