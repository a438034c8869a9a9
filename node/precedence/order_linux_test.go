package precedence

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWhoDoesItWaitsForNobody who comes first.
func TestWhoDoesItWaitsForNobody(t *testing.T) {
	for _, test := range []struct {
		self  int
		first bool
		want  []int
	}{
		{3, true, []int{3, 2, 1, 4}},
		{3, false, []int{1, 2, 4, 3}},
		{1, true, []int{1, 2, 3, 4}},
		{4, false, []int{1, 2, 3, 4}},
		{9, true, []int{1, 2, 3, 4}},
	} {
		all := []int{1, 2, 3, 4}
		if order(all, test.self, test.first); !slices.Equal(all, test.want) {
			t.Errorf("%d of 1 to 4, first %v: %v, want %v", test.self, test.first, all, test.want)
		}
	}
}

// TestARefusalKeepsNoOtherFromIt, and a thread that has ended refuses nothing.
func TestARefusalKeepsNoOtherFromIt(t *testing.T) {
	refused := errors.New("refused")
	var asked []int
	changed, err := each([]int{1, 2, 3, 4}, func(id int) (bool, error) {
		asked = append(asked, id)
		switch id {
		case 1:
			return false, fmt.Errorf("ended: %w", unix.ESRCH)
		case 2:
			return false, refused
		case 3:
			return false, errors.New("refused too")
		default:
			return true, nil
		}
	})
	if !slices.Equal(asked, []int{1, 2, 3, 4}) || !changed || !errors.Is(err, refused) {
		t.Errorf("asked %v, changed %v: %v", asked, changed, err)
	}
	if changed, err := each([]int{1}, func(int) (bool, error) { return false, unix.ESRCH }); changed || err != nil {
		t.Errorf("one that has ended: changed %v: %v", changed, err)
	}
}
