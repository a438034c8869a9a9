package allocate

// Nominal returns the height that encoding i of n has by the convention of stock clients, who scale a 720p camera down
// by 4, 2 and 1.
func Nominal(i, n int) int {
	h := 720 >> max(n-1-i, 0)
	return max(h, 1)
}

// Encoding is what is known of one encoding of a source, lowest first.
type Encoding struct {
	Height int // as seen in its last key frame; 0 not known
	Active bool
}

// Ceiling returns the highest encoding that is not above height: 0 when all are.
func Ceiling(encodings []Encoding, height int) int {
	best := 0
	for i, e := range encodings {
		h := e.Height
		if h == 0 {
			h = Nominal(i, len(encodings))
		}
		if h <= height || height >= Unlimited {
			best = i
		}
	}
	return best
}

// Layer returns the highest active encoding up to ceiling; when none is active there, the lowest active one above; when
// none is active at all, -1.
func Layer(encodings []Encoding, ceiling int) int {
	for i := min(ceiling, len(encodings)-1); i >= 0; i-- {
		if encodings[i].Active {
			return i
		}
	}
	for i := ceiling + 1; i < len(encodings); i++ {
		if encodings[i].Active {
			return i
		}
	}
	return -1
}
