package country

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"testing"
)

// mmdb writes files in the format of MaxMind (MaxMind DB specification 2.0) with records of 24 bits.
type mmdb struct {
	kind    string
	nodes   [][2]int // a child node, 0 for nothing, or -1-offset of data
	data    bytes.Buffer
	written map[string]int
}

func newMMDB(kind string) *mmdb {
	return &mmdb{kind: kind, nodes: make([][2]int, 1), written: map[string]int{}}
}

// set gives a network a value. Networks must not lie in each other.
func (m *mmdb) set(t *testing.T, network string, value any) {
	t.Helper()
	p := netip.MustParsePrefix(network)
	b, length := p.Addr().As16(), p.Bits()
	if p.Addr().Is4() {
		b, length = [16]byte{}, length+96
		v4 := p.Addr().As4()
		copy(b[12:], v4[:])
	}
	var packed bytes.Buffer
	write(t, &packed, value)
	at, known := m.written[packed.String()]
	if !known {
		at = m.data.Len()
		m.written[packed.String()] = at
		m.data.Write(packed.Bytes())
	}
	node := 0
	for i := range length {
		bit := b[i/8] >> (7 - i%8) & 1
		if i == length-1 {
			m.nodes[node][bit] = -1 - at
			break
		}
		if m.nodes[node][bit] == 0 {
			m.nodes = append(m.nodes, [2]int{})
			m.nodes[node][bit] = len(m.nodes) - 1
		}
		node = m.nodes[node][bit]
	}
}

func (m *mmdb) bytes(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, node := range m.nodes {
		for _, child := range node {
			switch {
			case child == 0:
				child = len(m.nodes)
			case child < 0:
				child = len(m.nodes) + 16 + -1 - child
			}
			out.Write([]byte{byte(child >> 16), byte(child >> 8), byte(child)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(m.data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	write(t, &out, dict{
		{"node_count", uint32(len(m.nodes))},
		{"record_size", uint16(24)},
		{"ip_version", uint16(6)},
		{"database_type", m.kind},
		{"languages", []any{"en"}},
		{"binary_format_major_version", uint16(2)},
		{"binary_format_minor_version", uint16(0)},
		{"build_epoch", uint64(1_780_000_000)},
		{"description", dict{}},
	})
	return out.Bytes()
}

// dict is a map with an order.
type dict []struct {
	key   string
	value any
}

func write(t *testing.T, out *bytes.Buffer, value any) {
	t.Helper()
	control := func(kind, size int) {
		first := kind << 5
		if kind > 7 {
			first = 0
		}
		length := []byte(nil)
		if size >= 29 {
			length, size = []byte{byte(size - 29)}, 29
		}
		out.WriteByte(byte(first | size))
		if kind > 7 {
			out.WriteByte(byte(kind - 7))
		}
		out.Write(length)
	}
	switch v := value.(type) {
	case string:
		control(2, len(v))
		out.WriteString(v)
	case float64:
		control(3, 8)
		_ = binary.Write(out, binary.BigEndian, math.Float64bits(v))
	case uint16:
		control(5, 2)
		_ = binary.Write(out, binary.BigEndian, v)
	case uint32:
		control(6, 4)
		_ = binary.Write(out, binary.BigEndian, v)
	case uint64:
		control(9, 8)
		_ = binary.Write(out, binary.BigEndian, v)
	case []any:
		control(11, len(v))
		for _, one := range v {
			write(t, out, one)
		}
	case float32:
		control(15, 4)
		_ = binary.Write(out, binary.BigEndian, math.Float32bits(v))
	case dict:
		control(7, len(v))
		for _, one := range v {
			write(t, out, one.key)
			write(t, out, one.value)
		}
	default:
		t.Fatalf("%T is not written", value)
	}
}
