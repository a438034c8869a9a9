package credential

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var begun = time.Unix(1_800_000_000, 0)

// TestKnownPassword holds the scheme: the value is that of
// printf 1800086400:ann | openssl dgst -sha1 -hmac 6b6579 -binary | base64.
func TestKnownPassword(t *testing.T) {
	username, password := NewKey([]byte("key")).Issue(begun, "ann")
	if username != "1800086400:ann" || password != "KViNkmC/O/+hdxaqHokKzhbghbM=" {
		t.Errorf("%q %q", username, password)
	}
}

func TestEveryNodeTakesIt(t *testing.T) {
	username, password := NewKey([]byte("key")).Issue(begun, "ann")
	user, want, err := NewKey([]byte("key")).Check(begun, username, true)
	if user != "ann" || want != password || err != nil {
		t.Errorf("%q, %q for %q, %v", user, want, password, err)
	}
	if _, other, _ := NewKey([]byte("another key")).Check(begun, username, true); other == password {
		t.Error("another cluster takes it")
	}
	username, password = NewKey([]byte("key")).Issue(begun, "")
	if user, want, err := NewKey([]byte("key")).Check(begun, username, true); user != username || want != password || err != nil {
		t.Errorf("without a user: %q %q %v", user, want, err)
	}
}

func TestLifetime(t *testing.T) {
	k := NewKey([]byte("key"))
	username, _ := k.Issue(begun, "ann")
	for _, c := range []struct {
		after    time.Duration
		allocate bool
		want     error
	}{
		{0, true, nil},
		{Lifetime, true, nil},
		{Lifetime + time.Second, true, ErrExpired},
		{Lifetime + time.Second, false, nil},
		{Lifetime + Grace, false, nil},
		{Lifetime + Grace + time.Second, false, ErrExpired},
		{-skew, true, nil},
		{-skew - time.Second, true, ErrFuture},
		{-skew - time.Second, false, ErrFuture},
	} {
		if _, _, err := k.Check(begun.Add(c.after), username, c.allocate); !errors.Is(err, c.want) {
			t.Errorf("after %v, allocate %v: %v, want %v", c.after, c.allocate, err, c.want)
		}
	}
}

func TestForm(t *testing.T) {
	k := NewKey([]byte("key"))
	for _, username := range []string{
		"", ":", "ann", "ann:1800000000", "1800000000:", ":ann", "-1:ann", "+1800000000:ann", " 1800000000:ann", "1800000000 :ann", "0x6b49d200:ann",
		"1800000000000:ann", "99999999999999999999:ann", "１８:ann", "1800000000:" + strings.Repeat("a", 200),
	} {
		if _, _, err := k.Check(begun, username, true); !errors.Is(err, ErrForm) {
			t.Errorf("%q: %v", username, err)
		}
	}
	if user, _, err := k.Check(begun, "1800000000:a:b", true); user != "a:b" || err != nil {
		t.Errorf("%q %v", user, err)
	}
}

func TestKeyIsHidden(t *testing.T) {
	k := NewKey([]byte("key"))
	if text := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(text, k.Text()) {
		t.Error(text)
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"1800000000:ann", "1800000000", ":", "9:9:9"} {
		f.Add(s, int64(1_800_000_000), true)
	}
	k := NewKey([]byte("key"))
	f.Fuzz(func(t *testing.T, username string, now int64, allocate bool) {
		user, password, err := k.Check(time.Unix(now%1e11, 0), username, allocate)
		if (err == nil) != (user != "" && password != "") {
			t.Fatalf("%q: %q %q %v", username, user, password, err)
		}
		if err == nil && !strings.HasSuffix(username, user) {
			t.Fatalf("%q is of %q", username, user)
		}
	})
}
