package main

// A Case is a future on a source on which bytes come, with pauses between them.
// While there's a pause, the future may be closed.
type Case struct {
	Name   string
	Future func(s *Source) Future[string]
}

// cases are the eight to think about.
func cases() []Case {
	return []Case{
		{"ReadByte", func(s *Source) Future[string] { return &ReadByte{s} }},
		{"ReadTwo", func(s *Source) Future[string] { return &ReadTwo{source: s} }},
		{"ReadTwoBuffered", newBuffered()},
		{"ReadTwoAndPutBack", func(s *Source) Future[string] { return &ReadTwoAndPutBack{source: s} }},
		{"ByteThenByte", func(s *Source) Future[string] {
			return &Then{first: &ReadByte{s}, make: func(first string) Future[string] {
				return &prefixed{first, &ReadByte{s}}
			}}
		}},
		{"ByteThenNothing", func(s *Source) Future[string] {
			return &Then{first: &ReadByte{s}, make: func(first string) Future[string] { return Value(first) }}
		}},
		{"EitherByteOrNever", func(s *Source) Future[string] { return &Either{&ReadByte{s}, never{}} }},
		{"EitherTwoOrByte", func(s *Source) Future[string] { return &Either{&ReadTwo{source: s}, &ReadByte{s}} }},
	}
}

// newBuffered makes futures that share a buffer for each source.
func newBuffered() func(s *Source) Future[string] {
	buffers := make(map[*Source]*Buffer)
	return func(s *Source) Future[string] {
		if buffers[s] == nil {
			buffers[s] = &Buffer{source: s}
		}
		return &ReadTwoBuffered{buffers[s]}
	}
}

// Value is ready at once.
type Value string

func (v Value) Poll(*Context) (string, bool) { return string(v), true }

// never is never ready.
type never struct{}

func (never) Poll(*Context) (string, bool) { return "", false }

// prefixed yields what its future yields, with something before it.
type prefixed struct {
	prefix string
	Future[string]
}

func (p *prefixed) Poll(cx *Context) (string, bool) {
	value, ready := p.Future.Poll(cx)
	if !ready {
		return "", false
	}
	return p.prefix + value, true
}
