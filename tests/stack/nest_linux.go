package stack

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const nestReady = "nest: ready"

// ownNetwork gives a command a network without interfaces but an idle loopback. Whoever is not root becomes it in a user namespace.
func ownNetwork(c *exec.Cmd) {
	c.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
}

// enter is the beginning of a command that runs in the network a process holds.
func enter(p *Process) []string {
	command := []string{"nsenter", "--target", strconv.Itoa(p.Pid()), "--net"}
	if os.Getuid() != 0 {
		command = append(command, "--user", "--preserve-credentials")
	}
	return append(command, "--")
}

// nest is the process that holds a network: it wakes the loopback and leads every connection to the port it was handed on to the address it was told.
// It ends with the test.
func nest() int {
	if err := wakeLoopback(); err != nil {
		fmt.Println("nest: loopback:", err)
		return 1
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		fmt.Println("nest:", err)
		return 1
	}
	fmt.Println(nestReady)
	for {
		from, err := listener.Accept()
		if err != nil {
			fmt.Println("nest:", err)
			return 1
		}
		go func() {
			defer from.Close()
			to, err := net.Dial("tcp", os.Getenv(nestVariable))
			if err != nil {
				return // the caller sees its connection closed
			}
			defer to.Close()
			var both sync.WaitGroup
			both.Go(func() { pass(to, from) })
			both.Go(func() { pass(from, to) })
			both.Wait()
		}()
	}
}

// pass copies until either end is closed, and closes both.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

func wakeLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}
