//! `#[wool::main]`. The function stays as it is, inside a plain main that hands it to the library.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let main_only = || tokens("fn main() {}");
    if attribute.is_empty() {
        let problem = "name the function that registers the routines, which a spawned worker needs before it serves: \
             #[wool::main(routines)], with fn routines(runtime: &wool::Runtime) -> wool::Result<()>";
        return both(error(Span::call_site(), problem), main_only());
    }
    match Signature::of(&item) {
        Ok(signature) => main(signature.is_async, attribute, item),
        // Beside the error stands what the compiler does not complain of, too.
        Err(Problem::NoMain(span)) => both(
            error(span, "#[wool::main] belongs on the program's fn main"),
            item,
        ),
        Err(Problem::Parameters(span)) => both(
            error(
                span,
                "main takes the runtime, and nothing else: fn main(runtime: wool::Runtime)",
            ),
            main_only(),
        ),
    }
}

fn main(is_async: bool, register: TokenStream, program: TokenStream) -> TokenStream {
    let run = match is_async {
        true => "::wool::run_main_async",
        false => "::wool::run_main",
    };
    let arguments = [parenthesised(register), tokens(", main")];
    let call = [tokens(run), parenthesised(arguments.into_iter().collect())];
    let body: TokenStream = [program].into_iter().chain(call).collect();
    [
        tokens("fn main() -> ::std::process::ExitCode"),
        TokenTree::from(Group::new(Delimiter::Brace, body)).into(),
    ]
    .into_iter()
    .collect()
}

struct Signature {
    is_async: bool,
}

enum Problem {
    NoMain(Span),
    Parameters(Span),
}

impl Signature {
    /// Looks at as much of the function as the attribute depends on; the compiler sees to the rest.
    fn of(item: &TokenStream) -> Result<Signature, Problem> {
        let mut is_async = false;
        let mut tokens = item.clone().into_iter();
        loop {
            match tokens.next() {
                Some(TokenTree::Ident(word)) if word.to_string() == "fn" => break,
                Some(TokenTree::Ident(word)) if word.to_string() == "async" => is_async = true,
                Some(_) => {}
                None => return Err(Problem::NoMain(Span::call_site())),
            }
        }
        match tokens.next() {
            Some(TokenTree::Ident(name)) if name.to_string() == "main" => {}
            other => return Err(Problem::NoMain(span(other))),
        }
        match tokens.next() {
            Some(TokenTree::Group(parameters)) if takes_one(&parameters) => {
                Ok(Signature { is_async })
            }
            other => Err(Problem::Parameters(span(other))),
        }
    }
}

fn span(token: Option<TokenTree>) -> Span {
    token.map_or_else(Span::call_site, |token| token.span())
}

/// One parameter, perhaps with a comma after it. Commas within brackets other than `<>` are not seen here, and
/// a runtime's type needs no others.
fn takes_one(parameters: &Group) -> bool {
    let mut tokens = parameters.stream().into_iter().peekable();
    let some = tokens.peek().is_some();
    while let Some(token) = tokens.next() {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            return some && tokens.peek().is_none();
        }
    }
    some && parameters.delimiter() == Delimiter::Parenthesis
}

fn both(first: TokenStream, second: TokenStream) -> TokenStream {
    first.into_iter().chain(second).collect()
}

fn error(span: Span, message: &str) -> TokenStream {
    let text = format!("::std::compile_error! {{ {message:?} }}");
    tokens(&text)
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

fn parenthesised(tokens: TokenStream) -> TokenStream {
    TokenTree::from(Group::new(Delimiter::Parenthesis, tokens)).into()
}

/// Of a text of this file, which is Rust.
fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_default()
}
