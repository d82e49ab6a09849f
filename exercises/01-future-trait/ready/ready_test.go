package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/async-go-tutorial/async-runtime/exercises/check"
)

const testWaits = "Poll looks at Hot and answers; does it sleep, or does a loop in it never end?"

func TestHotKettleIsReady(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		value, ready := (&Kettle{Hot: true}).Poll(new(Context))
		switch {
		case value == "" && !ready:
			t.Fatal("kettle.go is not started: the water is hot, and Poll still says \"not yet\"")
		case value != "hot water" || !ready:
			t.Fatalf("the water is hot, and Poll gave %q, %t, want \"hot water\", true", value, ready)
		}
	})
}

func TestColdKettleIsPending(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		if value, ready := new(Kettle).Poll(new(Context)); value != "" || ready {
			t.Fatalf("the water is cold, and Poll gave %q, %t, want \"\", false: only the line with the arrow has to change", value, ready)
		}
	})
}

func TestPollOnlyLooks(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		k := new(Kettle)
		for poll := 1; poll <= 100; poll++ {
			if k.Poll(new(Context)); k.Hot {
				t.Fatalf("poll %d changed Hot, and nobody has heated the water: Poll asks whether it's hot", poll)
			}
		}
		k.Hot = true
		value, ready := k.Poll(new(Context))
		if !k.Hot {
			t.Fatal("the water is hot, and Poll has set Hot to false: Poll asks whether it's hot, and changes nothing")
		}
		if value != "hot water" || !ready {
			t.Fatalf("after 100 polls that found cold water, it's hot now, and Poll gave %q, %t, want \"hot water\", true: polling early loses nothing", value, ready)
		}
	})
}

func TestKettlesDoNotShare(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		(&Kettle{Hot: true}).Poll(new(Context))
		if value, ready := new(Kettle).Poll(new(Context)); value != "" || ready {
			t.Fatalf("one kettle is hot, another kettle is cold, and Poll of the cold one gave %q, %t, want \"\", false", value, ready)
		}
	})
}

// A poll that waits for a moment only is found by many of them.
func TestPollsOfAColdKettleTakeNoTime(t *testing.T) {
	check.Instant(t, "100,000 polls of a cold kettle, each of which only has to look at Hot; does a loop in it wait for a moment?", func(t testing.TB) {
		k := new(Kettle)
		for range 100_000 {
			k.Poll(new(Context))
		}
	})
}

func TestPollStartsNothing(t *testing.T) {
	check.Bubble(t, 2*time.Second, testWaits, func(t testing.TB) {
		k := new(Kettle)
		k.Poll(new(Context))
		time.Sleep(time.Hour)
		synctest.Wait()
		if k.Hot {
			t.Fatal("a cold kettle was polled, and an hour later it was hot, and nobody has heated the water: Poll only looks, and starts nothing")
		}
	})
}
