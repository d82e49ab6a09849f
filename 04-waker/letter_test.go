package main

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLetterPostedWhileNobodyLooksIsNoticed(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		l := new(letter)
		time.AfterFunc(50*time.Millisecond, l.post)
		BlockOn(nil, l)
	})
}

func TestLetterPostedBeforeTheFirstPollIsNoticed(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		l := new(letter)
		l.post()
		BlockOn(nil, l)
	})
}
