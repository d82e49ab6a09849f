package checks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The playground, docs/play, as a reader uses it: in Chromium, from disk, with
// the keyboard. Nothing but Chromium is needed: it's told what to do through a
// pair of pipes, in the DevTools protocol, one JSON message after the other.

const (
	patience = 30 * time.Second // for a page to get where it should be
	mayTake  = 200              // milliseconds, the first paint; 56 on a machine that's idle
)

// A browser is one page of a Chromium without windows.
type browser struct {
	t        *testing.T
	to       io.Writer
	replies  chan message
	session  string
	latest   int      // message
	requests []string // URLs
	errors   []string // in the console
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Session   string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Exception json.RawMessage `json:"error,omitempty"`
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there's no Chromium; Debian's package is called chromium")
		}
		t.Skip("there's no Chromium")
	}
	ours, its := pipe(t)
	itsOutput, ourInput := pipe(t)
	// Chromium isn't told to use its sandbox, which refuses to be root's.
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{itsOutput, its} // 3, which it reads, and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	its.Close()
	itsOutput.Close()
	b := &browser{t: t, to: ourInput, replies: make(chan message, 10_000)}
	go func() {
		defer close(b.replies)
		for r := bufio.NewReader(ours); ; {
			text, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			var m message
			if json.Unmarshal(bytes.TrimRight(text, "\x00"), &m) == nil {
				b.replies <- m
			}
		}
	}()
	t.Cleanup(func() {
		b.session = ""
		b.do("Browser.close", nil)
		cmd.Wait()
	})
	var target struct{ TargetID string }
	b.into(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var attached struct{ SessionID string }
	b.into(&attached, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.do(domain+".enable", nil)
	}
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// do sends a command and returns its result. Meanwhile it notes what the page
// asks for, and what it complains about.
func (b *browser) do(method string, params map[string]any) json.RawMessage {
	b.t.Helper()
	b.latest++
	text, _ := json.Marshal(params)
	m, _ := json.Marshal(message{ID: b.latest, Session: b.session, Method: method, Params: text})
	if _, err := b.to.Write(append(m, 0)); err != nil {
		b.t.Fatal(err)
	}
	for late := time.After(patience); ; {
		select {
		case m, more := <-b.replies:
			switch {
			case !more:
				b.t.Fatalf("Chromium has ended, instead of answering to %s", method)
			case m.ID == b.latest && m.Exception != nil:
				b.t.Fatalf("%s: %s", method, m.Exception)
			case m.ID == b.latest:
				return m.Result
			}
			b.note(m)
		case <-late:
			b.t.Fatalf("Chromium doesn't answer to %s", method)
		}
	}
}

func (b *browser) into(result any, method string, params map[string]any) {
	b.t.Helper()
	if err := json.Unmarshal(b.do(method, params), result); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) note(m message) {
	switch m.Method {
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		json.Unmarshal(m.Params, &p)
		b.requests = append(b.requests, p.Request.URL)
	case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled":
		b.errors = append(b.errors, string(m.Params))
	}
}

// js returns the value of an expression, as text.
func (b *browser) js(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.into(&r, "Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "awaitPromise": true})
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return fmt.Sprint(r.Result.Value)
}

// until waits until an expression is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	for start := time.Now(); b.js(expression) != "true"; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			b.t.Fatalf("isn't true, after %v: %s", patience, expression)
		}
	}
}

func (b *browser) press(key string) {
	b.t.Helper()
	params := map[string]any{"type": "keyDown", "key": key, "text": key}
	if key == "Enter" {
		params["text"], params["windowsVirtualKeyCode"] = "\r", 13
	}
	b.do("Input.dispatchKeyEvent", params)
}

// look makes the page so wide, light or dark, with or without motion.
func (b *browser) look(width int, scheme, motion string) {
	b.t.Helper()
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500})
	b.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}}})
}

// open loads a scene from disk.
func (b *browser) open(scene string) {
	b.t.Helper()
	b.openAt("#"+scene, scene)
}

// openAt opens the page with what follows its name in the URL, and waits for the scene.
func (b *browser) openAt(rest, scene string) {
	b.t.Helper()
	path, err := filepath.Abs("docs/play/index.html")
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("Page.navigate", map[string]any{"url": "about:blank"})
	b.do("Page.navigate", map[string]any{"url": "file://" + path + rest})
	b.until(`document.readyState === "complete" && typeof scene === "object" && scene !== null && scene.id === "` + scene + `"`)
}

// playedData reads what the page reads.
func playedData(t *testing.T, scene string) (r recording) {
	t.Helper()
	text, _ := readIfThere(t, filepath.Join(playDir, scene+".js"))
	_, text, _ = strings.Cut(text, "play(")
	if err := json.Unmarshal([]byte(strings.TrimSuffix(text, ")\n")), &r); err != nil {
		t.Fatalf("%s: %v", scene, err)
	}
	return r
}

// shortest returns the keys that lead to the nearest state without a way out.
func (r recording) shortest(t *testing.T) (keys string) {
	t.Helper()
	paths := map[int]string{0: ""}
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		n := r.Nodes[queue[0]]
		if r.isStuck(n) {
			return paths[queue[0]]
		}
		for _, thread := range slices.Sorted(maps.Keys(n.Next)) {
			to := n.Next[thread]
			if _, known := paths[to]; !known {
				paths[to] = paths[queue[0]] + string(thread[0]+1)
				queue = append(queue, to)
			}
		}
	}
	t.Fatalf("%s: every state has a way out", r.ID)
	return ""
}

func (r recording) isStuck(n node) bool {
	return n.Failed != "" || len(n.Next) == 0 && slices.ContainsFunc(n.Places, func(p int) bool { return r.Places[p].Status != "finished" })
}

func TestPlaygroundInABrowser(t *testing.T) {
	t.Parallel()
	onlyIfAll(t)
	b := startBrowser(t)
	fastest := 1e9
	var scenes []string
	for _, p := range playground {
		scenes = append(scenes, p.id, p.id+"-repaired")
	}
	for _, c := range chapters {
		scenes = append(scenes, "watch-"+c.dir[:2])
	}
	for _, scene := range scenes {
		b.open(scene)
		fastest = min(fastest, b.firstPaint())
		for _, width := range []int{1280, 390} {
			for _, scheme := range []string{"light", "dark"} {
				b.look(width, scheme, "no-preference")
				b.checkPage(fmt.Sprintf("%s, %d px, %s", scene, width, scheme), scheme)
			}
		}
	}
	for try := 0; try < 50 && fastest > mayTake; try++ { // other programs may keep the processors busy
		b.open("letter")
		fastest = min(fastest, b.firstPaint())
	}
	if t.Logf("first paint after %.0f ms at best", fastest); fastest > mayTake {
		t.Errorf("the first paint took %.0f ms at best, want at most %d", fastest, mayTake)
	}
	for _, p := range playground {
		b.losesTheWakeup(p.id)
		b.isNeverStuck(p.id + "-repaired")
	}
	b.controlsCanBeTapped()
	b.keysAreForTheGoroutines()
	b.spaceRunsOnAfterAClick()
	b.openAt("", "letter") // the start page
	b.until(`here() !== undefined && document.querySelectorAll(".card").length === 2`)
	b.goroutinesAreButtons()
	b.notesAreInOrder()
	b.ordersEnd()
	b.nothingJumps()
	b.respectsReducedMotion()
	for _, url := range b.requests {
		if !strings.HasPrefix(url, "file://") && !strings.HasPrefix(url, "data:") && url != "about:blank" {
			t.Errorf("the page has asked for %s", url)
		}
	}
	for _, text := range b.errors {
		t.Errorf("the console says: %s", text)
	}
}

// firstPaint returns the milliseconds that it took.
func (b *browser) firstPaint() (paint float64) {
	b.t.Helper()
	fmt.Sscan(b.js(`performance.getEntriesByName("first-paint").map((p) => p.startTime)[0] || 1e9`), &paint)
	return paint
}

// checkPage checks what is true of each page: it fits, it's light or dark, and
// a screen reader has a name for everything that can be pressed.
func (b *browser) checkPage(what, scheme string) {
	b.t.Helper()
	if over := b.js(`Math.max(0, document.documentElement.scrollWidth - innerWidth)`); over != "0" {
		b.t.Errorf("%s: the page is %s px wider than its window", what, over)
	}
	dark := b.js(`getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g)[0] < 100`)
	if dark != fmt.Sprint(scheme == "dark") {
		b.t.Errorf("%s: dark is %s", what, dark)
	}
	var tree struct {
		Nodes []struct{ Role, Name struct{ Value any } }
	}
	b.into(&tree, "Accessibility.getFullAXTree", nil)
	controls := 0
	for _, n := range tree.Nodes {
		switch role := fmt.Sprint(n.Role.Value); role {
		case "button", "link", "combobox", "region", "navigation":
			controls++
			if name := fmt.Sprint(n.Name.Value); n.Name.Value == nil || name == "" {
				b.t.Errorf("%s: a %s has no name", what, role)
			}
		}
	}
	if controls < 8 {
		b.t.Errorf("%s: a screen reader sees %d controls", what, controls)
	}
}

// losesTheWakeup takes the shortest way there, with the keyboard, and from there
// the link to the other version.
func (b *browser) losesTheWakeup(scene string) {
	b.t.Helper()
	r := playedData(b.t, scene)
	keys := r.shortest(b.t)
	b.look(1280, "light", "reduce")
	b.open(scene)
	for _, key := range keys {
		b.press(string(key))
	}
	want := fmt.Sprintf("You lost the wakeup, in %d steps.", len(keys))
	if scene == "bell" {
		want = fmt.Sprintf("It broke, in %d steps:", len(keys))
	}
	if got := b.js(`document.getElementById("verdict").innerText`); !strings.HasPrefix(got, want) {
		b.t.Errorf("%s, after the keys %s: want %q, got %q", scene, keys, want, got)
	}
	if got, want := b.js(`location.hash`), "#"+scene+"/"+keys; got != want {
		b.t.Errorf("the URL ends with %s, want %s", got, want)
	}
	b.js(`document.querySelector("#verdict a").focus()`)
	b.press("Enter")
	b.until(`scene.id === "` + scene + `-repaired"`)
	if shown := b.js(`"#" + scene.id + "/" + path.map((thread) => thread + 1).join("")`); shown != b.js(`location.hash`) || !strings.HasPrefix("#"+scene+"-repaired/"+keys, shown) {
		b.t.Errorf("%s: the same steps in the repaired version: it shows %s, the URL ends with %s", scene, shown, b.js(`location.hash`))
	}
	got, more := b.js(`document.getElementById("compared").innerText`), b.js(`document.getElementById("verdict").innerText`)
	if !strings.HasPrefix(got, "This time ") || strings.Contains(got, "step 0") {
		b.t.Errorf("%s: the same steps in the repaired version: got %q", scene, got)
	}
	if want := afterTheSameSteps[scene] + ", and see what comes of it."; more != want {
		b.t.Errorf("%s: after the same steps in the repaired version: want %q, got %q", scene, want, more)
	}
	if b.js(changedInSight) != "true" {
		b.t.Errorf("%s: what is repaired is out of sight", scene)
	}
	b.comparesItsStepsOnly(got)
	b.js(`history.back()`)
	b.until(`scene.id === "` + scene + `"`)
	if got := b.js(`document.getElementById("verdict").innerText`); !strings.HasPrefix(got, want) || b.js(`path.length`) != fmt.Sprint(len(keys)) || b.js(`location.hash`) != "#"+scene+"/"+keys {
		b.t.Errorf("%s, back from the repaired version: %s steps of the address %s, and %q", scene, b.js(`path.length`), b.js(`location.hash`), got)
	}
	b.t.Logf("%s: the keys %s", scene, keys)
}

// What the repaired version says after the steps that lose the wakeup in the other.
var afterTheSameSteps = map[string]string{
	"letter": "main sleeps here, too, but this time post still has w.Wake() to call. Step post",
	"token":  "Step main",
	"push":   "executor sleeps here, too, but this time post still has p.token <- struct{}{} to try. Step post",
	"poll":   "Step 8 of the broken version isn't possible here: executor has finished already. Step post",
	"gap":    "Step 5 of the broken version isn't possible here: post is waiting for the lock. Step runtime",
	"bell":   "Step 7 of the broken version isn't possible here: runtime is waiting for the lock. Step post",
}

// comparesItsStepsOnly: what is said of the steps of this path is there while the
// path begins with them. It isn't there after a step back, after a restart and in
// another order, and it's there again when the same steps have been taken again.
func (b *browser) comparesItsStepsOnly(want string) {
	b.t.Helper()
	const compared = `document.getElementById("compared").innerText`
	steps := b.js(`path.map((thread) => thread + 1).join("")`)
	expect := func(what, want string) {
		b.t.Helper()
		if got := b.js(compared); got != want {
			b.t.Errorf("%s, %s: the comparison is %q, want %q", b.js(`location.hash`), what, got, want)
		}
	}
	next := b.js(`scene.threads.findIndex((_, i) => canStep(here(), i)) + 1`)
	b.press(next)
	expect("a step after the same steps", want)
	b.press("u")
	expect("that step taken back", want)
	b.press("u")
	expect("a step taken back", "")
	b.press(steps[len(steps)-1:])
	expect("and taken again", want)
	b.press("r")
	expect("after a restart", "")
	b.press(map[string]string{"1": "2", "2": "1"}[steps[:1]])
	expect("in another order", "")
	b.press("r")
	for i, key := range steps {
		b.press(string(key))
		if i < len(steps)-1 {
			expect("before the last of the same steps", "")
		}
	}
	expect("the same steps again", want)
}

// isNeverStuck goes to every state there is, with the keyboard.
func (b *browser) isNeverStuck(scene string) {
	b.t.Helper()
	r, been := playedData(b.t, scene), make(map[int]bool)
	b.look(1280, "light", "reduce")
	b.open(scene)
	if got := b.js(`document.getElementById("coverage").innerText`); got != "" {
		b.t.Errorf("%s: before the first step, the states are counted already: %q", scene, got)
	}
	var visit func(at int)
	visit = func(at int) {
		been[at] = true
		if class := b.js(`document.getElementById("verdict").className`); class == "lost" {
			b.t.Errorf("%s: stuck at %s", scene, b.js(`location.hash`))
		}
		for _, thread := range slices.Sorted(maps.Keys(r.Nodes[at].Next)) {
			if to := r.Nodes[at].Next[thread]; !been[to] {
				b.press(string(thread[0] + 1))
				visit(to)
				b.press("u")
			}
		}
	}
	visit(0)
	want := fmt.Sprintf("There are %d states of goroutines and variables. The test that recorded them has been in all %[1]d, and none is stuck. You've been in %[1]d, over all your tries.", len(r.Nodes))
	if got := b.js(`document.getElementById("coverage").innerText`); got != want {
		b.t.Errorf("%s: want %q, got %q", scene, want, got)
	}
}

// controlsCanBeTapped: on a phone, nothing is painted over the goroutines and the
// buttons, wherever the page is scrolled to.
func (b *browser) controlsCanBeTapped() {
	b.t.Helper()
	b.look(390, "light", "reduce")
	b.open("push")
	for _, key := range playedData(b.t, "push").shortest(b.t) {
		b.press(string(key))
	}
	const covered = `(() => {
		const covered = new Set();
		for (let y = 0; y < document.documentElement.scrollHeight; y += 40) {
			scrollTo(0, y);
			for (const button of document.querySelectorAll("#dock button")) {
				const r = button.getBoundingClientRect();
				for (const part of [0.1, 0.5, 0.9]) {
					const top = document.elementFromPoint(r.left + r.width * part, r.top + r.height * part);
					if (!button.contains(top)) covered.add(button.innerText);
				}
			}
		}
		return [...covered].join();
	})()`
	if got := b.js(covered); got != "" {
		b.t.Errorf("on a phone, something covers %q", got)
	}
}

// keysAreForTheGoroutines also while the list of scenes has the focus.
func (b *browser) keysAreForTheGoroutines() {
	b.t.Helper()
	b.look(1280, "light", "reduce")
	b.open("letter")
	b.js(`document.getElementById("scene").focus()`)
	b.js(`((s) => { s.value = "token"; s.dispatchEvent(new Event("change")); })(document.getElementById("scene"))`)
	b.until(`scene.id === "token"`)
	b.press("1")
	b.press("2")
	if got := b.js(`location.hash`); got != "#token/12" {
		b.t.Errorf("after the keys 1 and 2, in the list of scenes: the URL ends with %s, want #token/12", got)
	}
	b.press("1")
	b.press("1") // main is asleep
	if got := b.js(`document.getElementById("verdict").innerText`); !strings.HasPrefix(got, "main is asleep") {
		b.t.Errorf("after the key of a goroutine that's asleep: got %q", got)
	}
}

// click is a click of the mouse, in the middle of an element.
func (b *browser) click(selector string) {
	b.t.Helper()
	var at struct{ X, Y float64 }
	position := b.js(`JSON.stringify((({ x, y, width, height }) => ({ X: x + width / 2, Y: y + height / 2 }))(document.querySelector('` + selector + `').getBoundingClientRect()))`)
	if err := json.Unmarshal([]byte(position), &at); err != nil {
		b.t.Fatal(err)
	}
	for _, what := range []string{"mousePressed", "mouseReleased"} {
		b.do("Input.dispatchMouseEvent", map[string]any{"type": what, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1})
	}
}

// spaceRunsOnAfterAClick on the version that's shown already, and on a button.
func (b *browser) spaceRunsOnAfterAClick() {
	b.t.Helper()
	b.look(1280, "light", "reduce")
	b.open("letter")
	for _, selector := range []string{"#variants a[aria-current]", "#restart", ".card"} {
		b.click(selector)
		b.until(`here() !== undefined`)
		before := b.js(`path.length`)
		b.press(" ")
		if got := b.js(`path.length`); got == before {
			b.t.Errorf("after a click on %s, the space bar doesn't run on", selector)
		}
	}
}

// goroutinesAreButtons: each is called what the goroutine is called, and takes
// its step when it's clicked.
func (b *browser) goroutinesAreButtons() {
	b.t.Helper()
	for _, p := range playground {
		b.open(p.id)
		var tree struct {
			Nodes []struct{ Role, Name struct{ Value any } }
		}
		b.into(&tree, "Accessibility.getFullAXTree", nil)
		buttons := make(map[string]bool)
		for _, n := range tree.Nodes {
			if fmt.Sprint(n.Role.Value) == "button" {
				buttons[fmt.Sprint(n.Name.Value)] = true
			}
		}
		for i, name := range playedData(b.t, p.id).Threads {
			if !buttons[name] {
				b.t.Errorf("%s: no button is called %s", p.id, name)
			}
			if could, before := b.js(fmt.Sprintf(`canStep(here(), %d)`, i)), b.js(`path.length`); could == "true" {
				b.click(`.card[aria-label="` + name + `"]`)
				if b.js(`path.length`) == before {
					b.t.Errorf("%s: a click on %s takes no step", p.id, name)
				}
			}
		}
	}
}

// notesAreInOrder: what a step says is in the order of the code, also where a
// value is set first and looked at then, or the other way round.
func (b *browser) notesAreInOrder() {
	b.t.Helper()
	for scene, want := range map[string][]string{
		"letter/1211": {
			"arrived = false",
			"l.arrived: true · w != nil? no · post has finished",
			"l.waker: the parker · Poll returned false",
			"main falls asleep",
		},
		"letter-repaired/12212": {
			"l.waker: the parker · Poll returned false",
			"l.arrived: true · w != nil? yes",
			"enters Wake · no token yet",
			"main falls asleep",
			"handed straight to main, which sleeps on the channel · main wakes up · post has finished",
		},
		"token-repaired/122211": {
			"l.waker: the parker · Poll returned false",
			"l.arrived: true · w != nil? yes",
			"enters Wake · no token yet",
			"the channel takes it · token: one · post has finished",
			"main takes the token and doesn't sleep",
			"Poll returned true · main has finished",
		},
	} {
		scene, keys, _ := strings.Cut(scene, "/")
		b.open(scene)
		for _, key := range keys {
			b.press(string(key))
		}
		if got := b.js(`[...document.querySelectorAll("#lanes .took small")].map((e) => e.innerText).join("\n")`); got != strings.Join(want, "\n") {
			b.t.Errorf("%s, after the keys %s: the notes are\n%s\nwant\n%s", scene, keys, got, strings.Join(want, "\n"))
		}
	}
}

// ordersEnd: after the end, each other order that's suggested can be looked at. It
// stops where the reader goes on, and the others are still there after going back.
func (b *browser) ordersEnd() {
	b.t.Helper()
	for _, p := range playground {
		b.open(p.id + "-repaired")
		for i, order := range playedData(b.t, p.id+"-repaired").Orders {
			keys, stop := order[1].(string), int(order[2].(float64))
			if i == 0 {
				b.press("r")
				for _, key := range keys {
					b.press(string(key))
				}
				b.press("u")
			}
			b.js(`[...document.querySelectorAll("#verdict a")].find((a) => a.innerText === "` + order[0].(string) + `").click()`)
			b.until(fmt.Sprintf(`location.hash.endsWith("/%s") && path.length === %d`, keys[:stop], stop))
			if got := b.js(`document.getElementById("verdict").innerText`); !strings.Contains(got, ", and see what comes of it.") {
				b.t.Errorf("%s: %s stops, and says %q", p.id, order[0], got)
			}
			if b.js(inSight) != "true" {
				b.t.Errorf("%s: %s stops, and the line that was reached is out of sight", p.id, order[0])
			}
			for _, key := range keys[stop:] {
				b.press(string(key))
			}
			if class := b.js(`document.getElementById("verdict").className`); class != "done" {
				b.t.Errorf("%s: %s doesn't end: %q", p.id, order[0], class)
			}
		}
	}
}

// nothingJumps: what can be clicked stays where it is, and the line that runs
// next is in sight, and so are what the latest step did and the steps so far, in a window of 1280 by 800.
func (b *browser) nothingJumps() {
	b.t.Helper()
	const boxes = `[scrollY, ...[...document.querySelectorAll("#dock button")].map((e) => e.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom])].join()`
	for _, p := range playground {
		b.look(1280, "light", "reduce")
		b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false})
		b.open(p.id)
		want, keys := b.js(boxes), playedData(b.t, p.id).shortest(b.t)
		for i := range keys {
			b.press(keys[i : i+1])
			if got := b.js(boxes); got != want {
				b.t.Errorf("%s, after the keys %s: the buttons have moved, from %s to %s", p.id, keys[:i+1], want, got)
			}
			if i < len(keys)-1 && b.js(inSight) != "true" {
				b.t.Errorf("%s, after the keys %s: the line that was reached is out of sight", p.id, keys[:i+1])
			}
		}
		if b.js(changedInSight) != "true" {
			b.t.Errorf("%s, after the keys %s: what has been broken is out of sight", p.id, keys)
		}
		if b.js(`(({ height, bottom }) => height > 0 && bottom <= innerHeight)(document.getElementById("last").getBoundingClientRect())`) != "true" {
			b.t.Errorf("%s, after the keys %s: what the latest step did is out of sight", p.id, keys)
		}
		if b.js(`document.getElementById("lanes").getBoundingClientRect().top < innerHeight - 60`) != "true" {
			b.t.Errorf("%s, after the keys %s: the verdict pushes the steps so far out of sight", p.id, keys)
		}
	}
}

// The line of the goroutine that was stepped last is in sight.
const inSight = `(() => {
	const code = document.getElementById("code").getBoundingClientRect(), place = placeOf(here(), path.at(-1) || 0);
	const r = place.at ? document.getElementById(place.at[0]).getBoundingClientRect() : code;
	return r.top >= code.top && r.bottom <= code.bottom && code.bottom <= innerHeight;
})()`

// The lines that the verdict and the comparison talk about are in sight: those of
// the function that differs most from the other version.
const changedInSight = `(() => {
	const code = document.getElementById("code").getBoundingClientRect();
	const lines = (block) => [...block.querySelectorAll(".changed")].map((line) => line.getBoundingClientRect());
	const most = [...document.querySelectorAll("#code .block")].map(lines).sort((a, b) => b.length - a.length)[0];
	return most.length > 0 && most.every((r) => r.top >= code.top && r.bottom <= Math.min(code.bottom, innerHeight));
})()`

func (b *browser) respectsReducedMotion() {
	b.t.Helper()
	for motion, want := range map[string]string{"reduce": "none", "no-preference": "flash"} {
		b.look(1280, "light", motion)
		b.open("token")
		b.press("1")
		if got := b.js(`getComputedStyle(document.querySelector(".variable.new")).animationName`); got != want {
			b.t.Errorf("prefers-reduced-motion: %s: the animation is %s, want %s", motion, got, want)
		}
	}
}

// TestPlaygroundIsServed: go run ./docs/play says where, and nothing else.
func TestPlaygroundIsServed(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "play")
	if got := run(t, time.Minute, ".", []string{compiles}, "go", "build", "-o", program, "./docs/play"); got.exit != 0 {
		t.Fatal(got.stderr)
	}
	cmd := exec.Command(program)
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	said, _ := bufio.NewReader(output).ReadString('\n')
	var url string
	fmt.Sscanf(said, "The playground is at %s until you press Ctrl+C.", &url)
	for path, file := range map[string]string{"": "index.html", "play.js": "play.js", "play.css": "play.css", "data/letter.js": "data/letter.js"} {
		resp, err := getPage(url + path)
		want, _ := readIfThere(t, filepath.Join("docs/play", file))
		if err != nil || resp != want {
			t.Errorf("%s%s: %v, %d bytes, want the file's %d", url, path, err, len(resp), len(want))
		}
	}
}

func getPage(url string) (text string, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	return string(all), err
}
