package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/node/config"
)

// largestRequest bounds a conference request.
const largestRequest = 16 << 10

// doorman lets requests in by their origin and answers the questions of browsers (CORS).
type doorman struct {
	origins []config.Origin
	homing  Homing // may be nil
}

// guard returns next behind the doorman, for one method.
func (d doorman) guard(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		header.Set("Cache-Control", "no-store")
		if origins := r.Header.Values("Origin"); len(origins) > 0 {
			if len(origins) > 1 || !d.allows(r, origins[0]) {
				http.Error(w, "this origin may not open sockets here (--origins)", http.StatusForbidden)
				return
			}
			header.Set("Access-Control-Allow-Origin", origins[0])
		}
		switch r.Method {
		case method:
			next.ServeHTTP(w, r)
		case http.MethodOptions:
			header.Set("Access-Control-Allow-Methods", method)
			header.Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
			header.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
		default:
			header.Set("Allow", method+", OPTIONS")
			http.Error(w, "want "+method, http.StatusMethodNotAllowed)
		}
	})
}

// allows reports whether a page of an origin may come in: the node's own page may, under any name.
func (d doorman) allows(r *http.Request, origin string) bool {
	if u, err := url.Parse(origin); err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	for _, o := range d.origins {
		if o.Matches(origin) {
			return true
		}
	}
	if d.homing == nil {
		return false
	}
	return slices.ContainsFunc(d.homing.URLs(), func(node string) bool { return strings.EqualFold(originOf(node), origin) && origin != "" })
}

// measured lets pages that may come in read the answer, so that they can measure how long it takes.
func (d doorman) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && d.allows(r, origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
		next.ServeHTTP(w, r)
	})
}

// takeJSON reads a bounded body and passes on what is JSON.
func takeJSON(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readAll(r.Body)
		switch {
		case errors.Is(err, errTooLarge):
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		case err != nil, !json.Valid(body):
			http.Error(w, "want one JSON value", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		next.ServeHTTP(w, r)
	})
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, largestRequest+1))
	if err == nil && len(body) > largestRequest {
		err = errTooLarge
	}
	return body, err
}
