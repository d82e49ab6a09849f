//! What 06-full-runtime does, done with tokio, so that the two can be compared.
//! The command in the folder above builds and runs it.
//!
//! Everything runs on tokio's runtime for one thread, as ours does, and with
//! tokio's own defaults. Tasks are started with `spawn` and not with `spawn_local`
//! on a `LocalSet`. Ours takes tasks that can't move to another thread, as
//! `spawn_local` does, but a `LocalSet` is one future inside the runtime, with a
//! queue of its own: nothing was faster with it, and yields took twice as long.
//!
//! The work is itself a task. A future that `block_on` polls directly would ring
//! the eventfd whenever one of the tasks wakes it.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

const USAGE: &str = "usage:
  echo                an echo server, which prints its address
  get -n N URL        N requests, all at once
  sleep -n N -ms M    N tasks that sleep M milliseconds, all at once
  KIND -n N           N times spawn, spawnbatch, yield1, yield1k, timer or wake";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["echo"] => run(echo()),
        ["get", "-n", n, url] => measure("get", number(n), |n| get(n, url.to_owned())),
        ["sleep", "-n", n, "-ms", ms] | ["sleep", "-ms", ms, "-n", n] => {
            let d = Duration::from_millis(number(ms) as u64);
            measure("sleep", number(n), |n| sleepers(n, move |_| d))
        }
        ["spawn", "-n", n] => measure("spawn", number(n), |n| spawning(n, 1)),
        ["spawnbatch", "-n", n] => measure("spawnbatch", number(n), |n| spawning(n, 1000)),
        ["yield1", "-n", n] => measure("yield1", number(n), |n| yielders(n, 1)),
        ["yield1k", "-n", n] => measure("yield1k", number(n), |n| yielders(n, 1000)),
        ["timer", "-n", n] => measure("timer", number(n), |n| {
            sleepers(n, move |i| {
                Duration::from_millis(100) + Duration::from_secs(1) * i as u32 / n as u32
            })
        }),
        ["wake", "-n", n] => measure("wake", number(n), answering),
        _ => fail(USAGE),
    };
    if let Err(err) = done {
        fail(err);
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| fail(USAGE))
}

fn fail(why: impl std::fmt::Display) -> ! {
    eprintln!("tokio: {}", why);
    std::process::exit(1)
}

/// Runs a future as a task of a new runtime, to its end.
fn run(f: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(runtime.spawn(f))?
}

/// Does something n times, and prints the same line as the commands in ../_overlay.
fn measure<F>(kind: &str, n: usize, work: impl FnOnce(usize) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (cpu, start) = (cpu_time(), Instant::now());
    run(work(n))?;
    let (wall, cpu) = (start.elapsed().as_nanos(), cpu_time() - cpu);
    println!(
        "RESULT kind={} n={} wall_ns={} cpu_ns={} wall_per_op={:.1} cpu_per_op={:.1}",
        kind,
        n,
        wall,
        cpu,
        wall as f64 / n as f64,
        cpu as f64 / n as f64
    );
    Ok(())
}

/// The time of all threads of this process on the processors, in nanoseconds.
fn cpu_time() -> u128 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as u128 * 1_000_000_000 + now.tv_nsec as u128
}

/// A server with a task for each connection. As with Go's net, each has a buffer
/// of 4 KiB, which is part of what an idle connection takes.
async fn echo() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("echo listens at {}", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                match stream.read(&mut buffer).await {
                    Err(_) | Ok(0) => return,
                    Ok(n) => {
                        if stream.write_all(&buffer[..n]).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
    }
}

/// Fetches n times, all at once. As with ours, all together have a minute.
async fn get(n: usize, url: String) -> Result<()> {
    let rest = url.strip_prefix("http://").unwrap_or(&url);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let addr: SocketAddr = host
        .parse()
        .map_err(|_| bad("want http://ADDRESS:PORT/PATH"))?;
    let request: Arc<str> = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        path, host
    )
    .into();
    let tasks: Vec<_> = (0..n)
        .map(|_| tokio::spawn(fetch(addr, request.clone())))
        .collect();
    let all = async {
        for task in tasks {
            task.await??;
        }
        Ok(())
    };
    timeout(Duration::from_secs(60), all).await?
}

async fn fetch(addr: SocketAddr, request: Arc<str>) -> Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    while !complete(&reply)? {
        // A buffer that comes only with the reply takes no memory during the wait.
        stream.readable().await?;
        reply.reserve(512);
        match stream.try_read_buf(&mut reply) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(err) if err.kind() != ErrorKind::WouldBlock => return Err(err),
            _ => {}
        }
    }
    Ok(())
}

/// Reports whether a reply is there with its whole body. Only status 200 will do.
fn complete(reply: &[u8]) -> Result<bool> {
    let end = match reply.windows(4).position(|w| w == b"\r\n\r\n") {
        Some(i) => i,
        None => return Ok(false),
    };
    let head = std::str::from_utf8(&reply[..end]).map_err(|_| bad("the head isn't text"))?;
    let mut lines = head.split("\r\n");
    if lines.next().and_then(|line| line.split(' ').nth(1)) != Some("200") {
        return Err(bad("the status isn't 200"));
    }
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .ok_or_else(|| bad("no length"))?;
    Ok(reply.len() - end - 4 >= length)
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

/// Spawns a batch of tasks, waits for all of them, and goes on with the next batch.
async fn spawning(n: usize, batch: usize) -> Result<()> {
    let mut handles = Vec::with_capacity(batch);
    let mut left = n;
    while left > 0 {
        for _ in 0..batch.min(left) {
            handles.push(tokio::spawn(async {}));
        }
        left -= handles.len();
        for handle in handles.drain(..) {
            handle.await?;
        }
    }
    Ok(())
}

/// Spawns n tasks, and waits for all of them. After each hundred it lets them begin,
/// so that the run queue doesn't grow to n entries.
async fn crowd<F>(n: usize, task: impl Fn(usize) -> F) -> Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut handles = Vec::with_capacity(n);
    for i in 0..n {
        handles.push(tokio::spawn(task(i)));
        if i % 100 == 99 {
            yield_now().await;
        }
    }
    for handle in handles {
        handle.await?;
    }
    Ok(())
}

/// Shares n yields among the tasks.
async fn yielders(n: usize, tasks: usize) -> Result<()> {
    crowd(tasks, |i| async move {
        for _ in 0..n * (i + 1) / tasks - n * i / tasks {
            yield_now().await;
        }
    })
    .await
}

/// Makes n tasks, of which task i sleeps for d(i). A task is the sleep itself: in a
/// block around it, each would take 240 bytes more.
async fn sleepers(n: usize, d: impl Fn(usize) -> Duration) -> Result<()> {
    crowd(n, |i| sleep(d(i))).await
}

/// A thread wakes a task, and waits for its answer before it wakes it again.
async fn answering(n: usize) -> Result<()> {
    let asked = Arc::new(Notify::new());
    let answered = Arc::new(AtomicBool::new(false));
    let asker = {
        let (asked, answered) = (asked.clone(), answered.clone());
        thread::spawn(move || {
            for _ in 0..n {
                asked.notify_one();
                while !answered.swap(false, Ordering::AcqRel) {
                    thread::park();
                }
            }
        })
    };
    for _ in 0..n {
        asked.notified().await;
        answered.store(true, Ordering::Release);
        asker.thread().unpark();
    }
    asker.join().map_err(|_| bad("the thread panicked"))
}
