package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// fetchScripted is what a Fetch makes of a script. It is polled when it has
// been woken, and only then. The request is longer than it need be.
func fetchScripted(t *testing.T, s *script, longer, maxReply int) Fetched {
	t.Helper()
	rt := scriptedRuntime(t, func(time.Duration) (more bool) { return s.run() })
	f := newFetch("/" + strings.Repeat("x", longer))
	f.target.maxReply, f.stream = maxReply, streamOf(t, rt, s.tested)
	s.request = string(f.target.request)
	return blockOn(t, rt, f)
}

func sameAsFetched(want Response, got Fetched) bool {
	if want.Err != nil {
		return got.Err != nil
	}
	return got.Err == nil && got.Status == want.Status && got.Bytes == len(want.Body)
}

// Properties 8, 9, 10 and 15: see FuzzReply.
func FuzzFetch(f *testing.F) {
	for _, reply := range replies {
		f.Add(reply.wire, "", uint16(0))
		f.Add(reply.wire, strings.Repeat("st", len(reply.wire)), uint16(0))
	}
	f.Add("HTTP/1.0 200 OK\r\n\r\n"+strings.Repeat("more than a buffer", 5000), "StStttSt", uint16(20000))
	f.Fuzz(func(t *testing.T, wire, steps string, longer uint16) {
		mustEnd(t)
		const maxReply = 100_000
		s := newScript(t, wire, steps)
		got, want := fetchScripted(t, s, int(longer), maxReply), Response{Err: errors.New("longer than is allowed")}
		if len(s.said) <= maxReply {
			want = s.response(t)
		}
		if !sameAsFetched(want, got) {
			t.Errorf("of %.200q, then %v, is made %+v, want %.200q, %v", s.said, s.end, got, want.Body, want.Err)
		}
	})
}

// Property 8.
func TestFetchedReplySplitAtAnyByteIsTheSame(t *testing.T) {
	for _, reply := range replies {
		for cut := range len(reply.wire) {
			s := newScript(t, reply.wire, "t"+strings.Repeat("s", cut)+"t")
			if got := fetchScripted(t, s, 0, 1000); !sameAsFetched(reply.want, got) {
				t.Errorf("%s, cut after %q: got %+v, want %+v", reply.name, reply.wire[:cut], got, reply.want)
			}
		}
	}
}

// Property 10.
func TestFetchedReplyAtItsLimits(t *testing.T) {
	for _, limit := range limits {
		t.Run(limit.name, func(t *testing.T) {
			got := fetchScripted(t, newScript(t, limit.wire, ""), 0, 1<<22)
			if limit.err != "" {
				checkFault(t, Response{}, limit.err, Response{Err: got.Err})
			} else if !sameAsFetched(limit.want, got) {
				t.Errorf("got %+v, want %+v", got, limit.want)
			}
		})
	}
}

func TestFetchedReplyIsNotLongerThanMaxReply(t *testing.T) {
	for _, steps := range []string{"", strings.Repeat("st", len(hello))} {
		got := fetchScripted(t, newScript(t, hello, steps), 0, len(hello))
		if !sameAsFetched(Response{Status: 200, Body: "hello"}, got) {
			t.Errorf("got %+v", got)
		}
		got = fetchScripted(t, newScript(t, hello, steps), 0, len(hello)-1)
		checkFault(t, Response{}, fmt.Sprintf(`more than %d bytes$`, len(hello)-1), Response{Err: got.Err})
	}
}
