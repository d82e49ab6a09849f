package checks

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The page of chapter 06's serve, in Chromium: it shows the runtime at work.
func TestPageOfServeInABrowser(t *testing.T) {
	t.Parallel()
	onlyIfAll(t)
	b, program := startBrowser(t), buildChapter06(t)
	p := startProcess(t, exec.Command(program, "serve", "-addr", "127.0.0.1:0"))
	page := "http://" + p.addr + "/"
	b.visit(page)
	b.until(`$("rows").rows.length >= 3`)
	b.watchesTheTasks()
	b.fitsAnyWindow()
	for _, text := range b.errors {
		t.Errorf("the console says: %s", text)
	}
	b.keepsOthersOut(page)
	public := startProcess(t, exec.Command(program, "serve", "-addr", "0.0.0.0:0"))
	for _, refused := range []string{
		strings.Replace(page, "127.0.0.1", "rebound.localhost", 1), // a name that leads here
		"http://127.0.0.1" + public.addr[strings.LastIndex(public.addr, ":"):] + "/",
	} {
		b.visit(refused)
		b.until(`$("state").textContent.includes("only at a loopback address") && $("rows").rows.length === 0`)
		b.start("/sleep")
		b.until(`$("answer").textContent.startsWith("403 ")`)
	}
	b.visit(page)
	b.until(`$("rows").rows.length >= 3`)
	p.cmd.Process.Signal(os.Interrupt)
	if rest, err := p.wait(); err != nil || rest != "drained: 0 tasks, 0 timers, 0 descriptors\n" {
		t.Errorf("with its page open, the server ends with %v, and prints %q", err, rest)
	}
	b.until(`$("state").textContent.includes("The server has ended")`)
}

func (b *browser) visit(url string) {
	b.t.Helper()
	b.do("Page.navigate", map[string]any{"url": url})
	b.until(`document.readyState === "complete" && location.href === "` + url + `"`)
}

func (b *browser) start(path string) {
	b.t.Helper()
	b.js("document.querySelector(`[data-path=\"" + path + "\"]`).click()")
}

// watchesTheTasks presses each button, and waits until the page shows what it did.
func (b *browser) watchesTheTasks() {
	b.t.Helper()
	const blocked = `[...document.querySelectorAll(".slow")].some((cell) => parseInt(cell.textContent) >= 500)`
	const waits = `[...$("rows").rows].some((r) => r.cells[1].textContent === "a timer")`
	b.start("/sleep")
	b.until(waits)
	b.until("!" + waits)
	before := b.js(`$("seconds").textContent`)
	b.until(`Number($("seconds").textContent) >= 2 + ` + before)

	b.start("/requests")
	b.until(`$("rows").rows.length === 50 && last.tasks > 1000 && $("hidden").textContent.includes("50 of ")`)
	b.until(`$("rows").rows.length < 10 && $("hidden").textContent === ""`)

	// A processor that's busy with other things may delay the block, too.
	b.js(`(() => {
		window.late = false; window.gap = 0; let latest = performance.now();
		stream.addEventListener("message", () => { gap = Math.max(gap, performance.now() - latest); latest = performance.now() });
		setInterval(() => { late ||= $("age").className === "late" }, 20);
	})()`)
	for try := 0; try < 5 && b.js(`late && gap > 1350`) != "true"; try++ {
		b.start("/block")
		b.until(blocked)
		b.until("!" + blocked)
	}
	if b.js(`late && gap > 1350`) != "true" {
		b.t.Errorf("while the thread was blocked, the figures came at most %s ms apart; the page noticed: %s", b.js(`gap`), b.js(`late`))
	}
}

func (b *browser) fitsAnyWindow() {
	b.t.Helper()
	for _, width := range []int{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.look(width, scheme, "no-preference")
			what := fmt.Sprintf("%d px, %s", width, scheme)
			if over := b.js(`Math.max(0, document.documentElement.scrollWidth - innerWidth)`); over != "0" {
				b.t.Errorf("%s: the page is %s px wider than its window", what, over)
			}
			dark := b.js(`getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g)[0] < 100`)
			if dark != fmt.Sprint(scheme == "dark") {
				b.t.Errorf("%s: dark is %s", what, dark)
			}
			if small := b.js(`[...document.querySelectorAll("body *")].filter((e) => parseFloat(getComputedStyle(e).fontSize) < 11).length`); small != "0" {
				b.t.Errorf("%s: %s elements have letters below 11 px", what, small)
			}
		}
	}
}

// keepsOthersOut tries, from another site, whatever a browser can do there.
func (b *browser) keepsOthersOut(page string) {
	b.t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<p>another site</p>")
	}))
	defer other.Close()
	b.visit(other.URL + "/")
	b.requests = nil
	b.js(`(async () => {
		const frame = document.createElement("iframe");
		frame.src = "` + page + `";
		const loaded = new Promise((done) => { frame.onload = done });
		document.body.append(frame);
		await loaded;
		const stream = new EventSource("` + page + `live");
		const heard = await new Promise((done) => { stream.onerror = () => done("nothing"); stream.onmessage = () => done("figures") });
		await fetch("` + page + `requests", { method: "POST", mode: "no-cors" });
		const read = await fetch("` + page + `live").then(() => "figures", () => "nothing");
		window.got = [heard, read].join();
	})()`)
	b.until(`window.got !== undefined`)
	if got := b.js(`window.got`); got != "nothing,nothing" {
		b.t.Errorf("another site got %s", got)
	}
	live := 0
	for _, url := range b.requests {
		if url == page+"live" {
			live++
		}
	}
	if live != 2 {
		b.t.Errorf("%d requests for figures, want two: the frame has asked, too. %q", live, b.requests)
	}
	if n := newestTasks(b.t, page); n > 20 {
		b.t.Errorf("there are %d tasks: another site has started the thousand requests", n)
	}
}

// newestTasks returns of how many tasks the page is told.
func newestTasks(t *testing.T, page string) int {
	t.Helper()
	r, err := http.Get(page + "live")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var figures struct{ Newest [][]any }
	if _, err = io.ReadFull(r.Body, make([]byte, len("data: "))); err == nil {
		err = json.NewDecoder(r.Body).Decode(&figures)
	}
	if err != nil || len(figures.Newest) == 0 {
		t.Fatalf("%v in the figures %+v", err, figures)
	}
	return len(figures.Newest)
}
