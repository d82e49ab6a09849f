package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Property 1.
func TestKettleIsColdBeforeTheFirstPoll(t *testing.T) {
	tea := Tea().(*tea)
	if water := tea.step.(*countdown); tea.state != "boiling" || water.left != 2 {
		t.Errorf("new tea is already at %+v, its step at %+v, want a cold kettle", *tea, *water)
	}
}

// Properties 2 and 6.
func TestWaterBoilsThenTeaSteeps(t *testing.T) {
	type answer struct {
		Value string
		Ready bool
	}
	tea, got := Tea(), []answer(nil)
	for range 4 {
		value, ready := tea.Poll(nil)
		got = append(got, answer{value, ready})
	}
	want := []answer{{}, {}, {}, {"tea from hot water", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers of four polls (-want +got):\n%s", diff)
	}
}

// Property 3.
func TestTeaPolledAfterItFinishedPanics(t *testing.T) {
	tea := Tea()
	runOne(t, tea)
	defer func() {
		if got, want := recover(), "Tea polled after it finished"; got != want {
			t.Errorf("Poll panics with %v, want %q", got, want)
		}
	}()
	tea.Poll(nil)
}

// Property 4.
func TestImpatienceGivesTheSameTea(t *testing.T) {
	c := Countdown(1000, "tea")
	for range 1000 {
		if _, ready := c.Poll(nil); ready {
			t.Fatal("the countdown is ready too early")
		}
	}
	if got, ready := c.Poll(nil); got != "tea" || !ready {
		t.Errorf("got %q, %t, want tea, true", got, ready)
	}
}

// Property 5.
func TestTeaAndToastAreMadeTogether(t *testing.T) {
	breakfast, polls := JoinAll(Tea(), Countdown(1, "toast")), 0
	var got []string
	for ready := false; !ready; polls++ {
		got, ready = breakfast.Poll(nil)
	}
	if diff := cmp.Diff([]string{"tea from hot water", "toast"}, got); diff != "" {
		t.Errorf("breakfast (-want +got):\n%s", diff)
	}
	if polls != 4 {
		t.Errorf("breakfast took %d polls, want 4: as many as the tea needs alone", polls)
	}
}
