package order

import (
	"strings"
	"testing"
)

const original = `package main

import "sync"

type node struct {
	value int
	at    struct{ x, y int }
	next  *node
}

type list struct {
	mu    sync.Mutex
	nodes []*node
	names map[string]int
	pair  [2]int
	ch    chan int
}

func (l *list) f(k int) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes[0].value++
	l.names["a"], l.pair[k] = 1, 2
	delete(l.names, "b")
	for i, node := range l.nodes {
		n += i + node.at.x
	}
	for l.pair[0] > 0 {
	}
	p := &l.nodes[k].next
	*p = nil
	go func() { n = k }()
	switch {
	case n > 0:
		n--
	}
	select {
	case v := <-l.ch:
		n = v
	default:
	}
	all := l.pair
	all[k] = <-l.ch
	return all[0]
}
`

const changed = `package main

import sync "github.com/async-go-tutorial/async-runtime/exercises/check/order/stepped"

type node struct {
	value int
	at    struct{ x, y int }
	next  *node
}

type list struct {
	mu    sync.Mutex
	nodes []*node
	names map[string]int
	pair  [2]int
	ch    chan int
}

func (l *list) f(k int) (n int) {
	S(20); l.mu.Lock()
	S(21); defer l.mu.Unlock()
	S(22); (*W(&(*R(&(*R(&l.nodes, 22))[0], 22)).value, 22))++
	S(23); (*W(&l.names, 23))["a"], (*W(&l.pair[k], 23)) = 1, 2
	S(24); delete((*W(&l.names, 24)), "b")
	S(25); for i, node := range (*R(&l.nodes, 25)) {
		S(26); n += i + (*R(&node.at.x, 26))
	}
	S(28); for (*R(&l.pair[0], 28)) > 0 { S(28); 
	}
	S(30); p := &(*R(&(*R(&l.nodes, 30))[k], 30)).next
	S(31); (*W(&*p, 31)) = nil
	S(32); go func() { S(32); (*W(&n, 32)) = (*R(&k, 32)) }()
	S(33); switch {
	case n > 0:
		S(35); n--
	}
	S(37); select {
	case v := <-l.ch:
		S(39); n = v
	default:
	}
	S(42); all := (*R(&l.pair, 42))
	S(43); (*W(&all[k], 43)) = <-(*R(&l.ch, 43))
	S(44); return (*R(&all[0], 44))
}
`

func TestRewrite(t *testing.T) {
	got, err := Rewrite("list.go", original, nil)
	if err != nil {
		t.Fatal(err)
	}
	got = strings.NewReplacer("testStep_", "S", "testRead_", "R", "testWrite_", "W").Replace(got)
	g, w := strings.Split(got, "\n"), strings.Split(changed, "\n")
	for i := range w {
		if g[i] != w[i] {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, g[i], w[i])
		}
	}
}
