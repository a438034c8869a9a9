package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Location is a place on Earth in degrees, north and east positive.
type Location struct {
	Lat, Lon float64
}

func parseLocation(text string) (*Location, error) {
	const want = "latitude,longitude in degrees, such as 52.52,13.40"
	lat, lon, ok := strings.Cut(text, ",")
	if !ok {
		return nil, wrong(fmt.Sprintf("%q is no place", text), want)
	}
	l := &Location{}
	for _, part := range []struct {
		name  string
		text  string
		limit float64
		to    *float64
	}{{"latitude", lat, 90, &l.Lat}, {"longitude", lon, 180, &l.Lon}} {
		v, err := strconv.ParseFloat(strings.TrimSpace(part.text), 64)
		if err != nil || math.IsNaN(v) || math.Abs(v) > part.limit {
			return nil, wrong(fmt.Sprintf("the %s of %q is no number from -%v to %v", part.name, text, part.limit, part.limit), want)
		}
		*part.to = v
	}
	return l, nil
}

// String returns the text form.
func (l Location) String() string {
	return strconv.FormatFloat(l.Lat, 'f', -1, 64) + "," + strconv.FormatFloat(l.Lon, 'f', -1, 64)
}
