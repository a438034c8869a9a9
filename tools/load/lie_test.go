package load_test

import (
	"io"
	"net/http"
	"regexp"
)

var fingerprint = regexp.MustCompile(`(a=fingerprint:sha-256 )[0-9A-F]{2}:[0-9A-F]{2}`)

// lie passes signalling on to url with another fingerprint in the offer.
type lie struct{ url string }

func (l lie) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, l.url+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("X-Id", resp.Header.Get("X-Id"))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(fingerprint.ReplaceAll(body, []byte("${1}00:00")))
}
