package edge

import (
	"encoding/binary"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSegments  = 48 // of one datagram with segmentation offload
	maxSegmented = 60_000
)

// sendPatience is how long a sender waits for room in the socket within twice that time, in all: others wait for it.
const sendPatience = 50 * time.Millisecond

// sender writes batches (sendmmsg) to the socket without allocating. It belongs to whoever sends for its shard.
type sender struct {
	fd int

	messages [batchSize]message
	controls [batchSize][controlSize]byte
	vectors  [8 * batchSize]unix.Iovec
	segments [batchSize]segments
	n        int // messages
	used     int // vectors
	done     int // messages sent
	failed   int
	waited   time.Duration // since begun
	begun    time.Time

	segmentation bool // the kernel cuts datagrams up
	kernel       func(fd int, m []message) (int, syscall.Errno)
	room         func(fd int, most time.Duration) bool // waits for room in the socket
}

// segments says what a message to be sent is made of.
type segments struct {
	to    *route
	size  int // of every segment but the last
	total int
	count int
	ended bool // nothing may follow
}

func (s *socket) newSender() *sender {
	_, err := unix.GetsockoptInt(s.fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	return &sender{fd: s.fd, kernel: sendMessages, room: pollRoom, segmentation: err == nil}
}

// close makes every further send fail.
func (t *sender) close() { t.fd = -1 }

// cuts reports whether packets of equal size leave as one.
func (t *sender) cuts() bool { return t.segmentation }

func (t *sender) full() bool { return t.n == batchSize || t.used == len(t.vectors) }

// push adds a datagram to the next send. The data must stay as it is until then.
func (t *sender) push(to *route, data []byte) {
	if len(data) == 0 {
		return
	}
	v := &t.vectors[t.used]
	v.Base = &data[0]
	v.SetLen(len(data))
	t.used++
	if t.segmentation && t.n > 0 && !to.whole.Load() {
		g := &t.segments[t.n-1]
		if g.to == to && !g.ended && len(data) <= g.size && g.count < maxSegments && g.total+len(data) <= maxSegmented {
			g.count++
			g.total += len(data)
			g.ended = len(data) < g.size
			t.messages[t.n-1].header.SetIovlen(g.count)
			return
		}
	}
	t.segments[t.n] = segments{to: to, size: len(data), total: len(data), count: 1}
	h := &t.messages[t.n].header
	h.Name, h.Namelen = &to.name[0], to.nameLen
	h.Iov = v
	h.SetIovlen(1)
	t.n++
}

// send sends what was pushed and returns how many datagrams could not be.
func (t *sender) send() int {
	if t.n == 0 {
		return 0
	}
	for i := range t.n {
		g, h := &t.segments[i], &t.messages[i].header
		c := &t.controls[i]
		copy(c[:], g.to.control[:g.to.controlLen])
		size := g.to.controlLen
		if g.count > 1 {
			binary.NativeEndian.PutUint16(control(c[:], size, unix.SOL_UDP, unix.UDP_SEGMENT, 2), uint16(g.size))
			size += unix.CmsgSpace(2)
		}
		h.Control = &c[0]
		h.SetControllen(size)
	}
	t.done, t.failed = 0, 0
	t.work()
	for i := range t.n {
		t.segments[i].to = nil
		t.messages[i].header.Name, t.messages[i].header.Iov = nil, nil
	}
	clear(t.vectors[:t.used])
	t.n, t.used = 0, 0
	return t.failed
}

// work sends the messages.
func (t *sender) work() {
	for t.done < t.n {
		n, err := t.kernel(t.fd, t.messages[t.done:t.n])
		switch {
		case err == 0:
			t.done += n
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if !t.wait() {
				for _, g := range t.segments[t.done:t.n] {
					t.failed += g.count
				}
				return
			}
		case t.segments[t.done].count > 1:
			// EIO comes from a driver that cannot do checksums, for every datagram; others from one route, as when its
			// packets are larger than what fits.
			if err == unix.EIO {
				t.segmentation = false
			} else {
				t.segments[t.done].to.whole.Store(true)
			}
			t.sendApart(t.done)
			t.done++
		default:
			t.failed++
			t.done++
		}
	}
}

// wait waits for room in the socket and reports whether there is some.
func (t *sender) wait() bool {
	now := time.Now()
	if now.Sub(t.begun) > 2*sendPatience {
		t.begun, t.waited = now, 0
	}
	left := sendPatience - t.waited
	if left < time.Millisecond {
		return false
	}
	some := t.room(t.fd, left)
	t.waited += time.Since(now)
	return some
}

// pollRoom reports whether it is worth trying again.
func pollRoom(fd int, most time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, int(most/time.Millisecond))
	return err == unix.EINTR || err == nil && n > 0
}

// sendApart sends the segments of a message one by one.
func (t *sender) sendApart(i int) {
	one := t.messages[i : i+1]
	vectors := unsafe.Slice(one[0].header.Iov, t.segments[i].count)
	one[0].header.SetControllen(t.segments[i].to.controlLen)
	one[0].header.SetIovlen(1)
	for j := range vectors {
		one[0].header.Iov = &vectors[j]
		if n, err := t.kernel(t.fd, one); err != 0 || n != 1 {
			t.failed++
		}
	}
}

// sendMessages is sendmmsg(2). It does not wait: the runtime need not know (it would wake its monitor every time).
func sendMessages(fd int, m []message) (int, syscall.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), err
}
