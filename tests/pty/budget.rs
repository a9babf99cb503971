//! A budget that asks first, asked of a person: nothing is sent before the answer, and only a yes
//! sends it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::terminal::{Start, Terminal};

/// What the provider answers.
const ANSWER: &str = "The sky scatters blue.";

/// A provider that counts the questions it is asked. It ends with the test.
struct Provider {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Provider {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                std::thread::spawn(move || serve(stream, &count));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// `ask` in a terminal, of this provider's model, which a day's budget has no room for.
    fn ask(&self) -> Terminal {
        let config = format!(
            "[providers.lab]\nbase_url = \"http://127.0.0.1:{}/v1\"\n\
             [models.lab-small]\nprovider = \"lab\"\nid = \"small\"\ncontext = 8192\n\
             max_output = 1024\nprice = {{ input = 0.1, output = 0.2 }}\nkeep_warm = \"off\"\n\
             quality = {{ default = 0.5 }}\n\
             [budget]\nday = {{ limit = 0.0001, at_limit = \"ask\" }}\n",
            self.port
        );
        let args = ["ask", "-m", "lab-small", "--pin", "why is the sky blue"];
        let mut t = Start::with(&args).config(&config).open();
        t.see("send anyway? [y/N]");
        assert!(t.shows("the day's budget"), "{}", t.text());
        assert_eq!(self.asked(), 0, "nothing is sent before the answer");
        t
    }
}

/// One call: its head and body are read, then a POST is answered as a stream and anything else with
/// nothing.
fn serve(mut stream: TcpStream, asked: &AtomicUsize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = told.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    let _read = lines.read_exact(&mut body);
    let reply = if head.starts_with("POST") {
        asked.fetch_add(1, Ordering::SeqCst);
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
             data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{ANSWER}\"}},\
             \"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":12,\
             \"completion_tokens\":6}}}}\n\ndata: [DONE]\n\n"
        )
    } else {
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
    };
    let _sent = stream.write_all(reply.as_bytes());
}

#[test]
fn a_yes_sends_what_a_budget_asks_about() {
    for yes in ["y\r", "yes\r"] {
        let provider = Provider::new();
        let mut t = provider.ask();
        t.keys(yes);
        t.see(ANSWER);
        assert!(t.gone().success(), "{}", t.text());
        assert_eq!(provider.asked(), 1);
        t.assert_restored();
    }
}

#[test]
fn anything_else_sends_nothing_and_says_how_it_would_be_sent() {
    // No, just Enter, the end of the input.
    for no in ["n\r", "\r", "\x04"] {
        let provider = Provider::new();
        let mut t = provider.ask();
        t.keys(no);
        assert_eq!(t.gone().exit_code(), 4, "{}", t.text());
        assert!(t.shows("not sent; --over-budget") && !t.shows(ANSWER), "{}", t.text());
        assert!(!t.shows("whose fault"), "a no is nobody's: {}", t.text());
        assert_eq!(provider.asked(), 0);
        t.assert_restored();
    }
}

#[test]
fn who_fits_into_the_budget_can_be_asked_instead() {
    let provider = Provider::new();
    let config = format!(
        "[providers.lab]\nbase_url = \"http://127.0.0.1:{}/v1\"\n\
         [models.lab-large]\nprovider = \"lab\"\nid = \"large\"\ncontext = 8192\n\
         max_output = 1024\nprice = {{ input = 0.1, output = 0.2 }}\nkeep_warm = \"off\"\n\
         quality = {{ default = 0.9 }}\n\
         [models.lab-free]\nprovider = \"lab\"\nid = \"free\"\ncontext = 8192\n\
         max_output = 1024\nprice = {{ input = 0, output = 0 }}\nkeep_warm = \"off\"\n\
         quality = {{ default = 0.1 }}\n\
         [budget]\nday = {{ limit = 0.0001, at_limit = \"ask\" }}\n",
        provider.port
    );
    let mut t = Start::with(&["ask", "why is the sky blue"]).config(&config).open();
    t.see("lab-large could cost up to");
    t.see("send anyway? [y/N, f: lab-free fits]");
    assert_eq!(provider.asked(), 0, "nothing is sent before the answer");
    t.keys("f\r");
    t.see(ANSWER);
    assert!(t.gone().success(), "{}", t.text());
    assert_eq!(provider.asked(), 1);
    t.assert_restored();
}

#[test]
fn ctrl_c_at_the_question_is_a_no() {
    let provider = Provider::new();
    let mut t = provider.ask();
    t.keys("\x03");
    assert_eq!(t.gone().exit_code(), 4, "{}", t.text());
    assert_eq!(provider.asked(), 0);
    t.assert_restored();
}
