package allocate

import "testing"

func TestCeiling(t *testing.T) {
	three := make([]Encoding, 3)
	small := []Encoding{{Height: 180}, {Height: 360}, {}}
	quarter := []Encoding{{Height: 90}, {Height: 180}, {Height: 360}}
	for _, c := range []struct {
		name      string
		encodings []Encoding
		height    int
		want      int
	}{
		{"convention", three, 90, 0},
		{"convention", three, 180, 0},
		{"convention", three, 359, 0},
		{"convention", three, 360, 1},
		{"convention", three, 719, 1},
		{"convention", three, 720, 2},
		{"convention", three, Unlimited, 2},
		{"two encodings", three[:2], 360, 0},
		{"one encoding", three[:1], 90, 0},
		{"as seen", quarter, 180, 1},
		{"as seen", quarter, 360, 2},
		{"part seen", small, 360, 1},
		{"taller than unlimited", []Encoding{{Height: 1080}, {Height: 4320}}, Unlimited, 1},
	} {
		if got := Ceiling(c.encodings, c.height); got != c.want {
			t.Errorf("%s, height %d: encoding %d, want %d", c.name, c.height, got, c.want)
		}
	}
}

func TestLayer(t *testing.T) {
	for _, c := range []struct {
		active  [3]bool
		ceiling int
		want    int
	}{
		{[3]bool{true, true, true}, 2, 2},
		{[3]bool{true, true, true}, 1, 1},
		{[3]bool{true, true, false}, 2, 1},
		{[3]bool{true, false, false}, 2, 0},
		{[3]bool{false, false, true}, 0, 2},
		{[3]bool{false, true, true}, 0, 1},
		{[3]bool{false, false, false}, 2, -1},
	} {
		var e []Encoding
		for _, a := range c.active {
			e = append(e, Encoding{Active: a})
		}
		if got := Layer(e, c.ceiling); got != c.want {
			t.Errorf("active %v, ceiling %d: encoding %d, want %d", c.active, c.ceiling, got, c.want)
		}
	}
}
