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

// A poll that waits for a moment only is found by many of them.
func TestPollsOfAColdKettleTakeNoTime(t *testing.T) {
	check.Instant(t, "100,000 polls of a cold kettle, each of which only has to look at Hot; does a loop in it wait for a moment?", func(t testing.TB) {
		k := new(Kettle)
		for poll := 1; poll <= 100_000; poll++ {
			if value, ready := k.Poll(new(Context)); value != "" || ready {
				t.Fatalf("the water is cold, and poll %d gave %q, %t, want \"\", false: how often Poll was called doesn't heat the water", poll, value, ready)
			}
		}
		k.Hot = true
		if value, ready := k.Poll(new(Context)); value != "hot water" || !ready {
			t.Fatalf("after 100,000 polls that found cold water, it's hot now, and Poll gave %q, %t, want \"hot water\", true", value, ready)
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

// Two kettles, and everything that can be done with them in five steps.
func TestKettlesDoNotShare(t *testing.T) {
	check.Instant(t, testWaits, func(t testing.TB) {
		for n := range 6 * 6 * 6 * 6 * 6 {
			kettles, over, story := [2]Kettle{}, [2]bool{}, ""
			for step := n; step > 0 || story == ""; step /= 6 {
				i, name := step%2, [2]string{"A", "B"}[step%2]
				k := &kettles[i]
				switch step / 2 % 3 {
				case 0:
					k.Hot, story = true, story+", heat "+name
					continue
				case 1:
					k.Hot, story = false, story+", cool "+name
					continue
				}
				if over[i] {
					continue // it was ready, so it isn't polled again
				}
				story += ", poll " + name
				value, ready := k.Poll(new(Context))
				if over[i] = k.Hot; ready != k.Hot || value != map[bool]string{true: "hot water"}[k.Hot] {
					t.Fatalf("two kettles, A and B, cold at first%s: this poll gave %q, %t, and Hot of %s is %t. Does Poll look at anything else than its own Hot?", story, value, ready, name, k.Hot)
				}
			}
		}
	})
}
