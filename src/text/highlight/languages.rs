//! The languages the highlighter knows, as a table.
//!
//! Owns: names, comment and string rules, words of each language. Must not know: how a line is read.
//! Invariant: adding a language is adding a row here.

use super::language::{Escape, Language, Quote, Shape, Span, Trait};

const fn quote(mark: &'static str, escape: Escape, span: Span) -> Quote {
    Quote { open: mark, close: mark, escape, span }
}

const DOUBLE: Quote = quote("\"", Escape::Backslash, Span::Line);
const SINGLE: Quote = quote("'", Escape::Backslash, Span::Line);
const DOUBLE_LINES: Quote = quote("\"", Escape::Backslash, Span::Lines);
const SINGLE_LINES: Quote = quote("'", Escape::Backslash, Span::Lines);
const DOUBLE_PLAIN: Quote = quote("\"", Escape::Never, Span::Line);
const SINGLE_PLAIN: Quote = quote("'", Escape::Never, Span::Line);
const SINGLE_PLAIN_LINES: Quote = quote("'", Escape::Never, Span::Lines);
const BACKTICK: Quote = quote("`", Escape::Backslash, Span::Lines);
const BACKTICK_PLAIN: Quote = quote("`", Escape::Never, Span::Lines);
const TRIPLE_DOUBLE: Quote = quote("\"\"\"", Escape::Backslash, Span::Lines);
const TRIPLE_SINGLE: Quote = quote("'''", Escape::Backslash, Span::Lines);
const LONG_BRACKET: Quote =
    Quote { open: "[[", close: "]]", escape: Escape::Never, span: Span::Lines };

/// A list of words as a slice of strings.
macro_rules! words {
    ($($word:ident)*) => { &[$(stringify!($word)),*] };
}

const BLANK: Language = Language {
    names: &[],
    shape: Shape::Code,
    line_comments: &[],
    block_comment: None,
    quotes: &[DOUBLE],
    traits: &[],
    keywords: &[],
    types: &[],
    constants: &[],
};

const C_LIKE: Language = Language {
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: &[DOUBLE, SINGLE],
    constants: words![true false null],
    ..BLANK
};

const HASHED: Language = Language {
    line_comments: &["#"],
    quotes: &[DOUBLE, SINGLE],
    constants: words![true false null],
    ..BLANK
};

const SCRIPT_WORDS: &[&str] = words![async await break case catch class const continue debugger
    default delete do else export extends finally for from function get if import in instanceof let
    new of return set static super switch this throw try typeof var void while with yield];

pub(super) static LANGUAGES: &[Language] = &[
    Language {
        names: &["rust", "rs"],
        quotes: &[DOUBLE_LINES],
        traits: &[Trait::NestedComments, Trait::Rust, Trait::CapitalTypes],
        keywords: words![as async await break const continue crate dyn else enum extern fn for if
            impl in let loop macro_rules match mod move mut pub ref return self static struct super
            trait type union unsafe use where while yield],
        types: words![Self bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize],
        constants: words![true false None Some Ok Err],
        ..C_LIKE
    },
    Language {
        names: &["python", "py", "python3", "py3", "pycon", "ipython"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![and as assert async await break case class continue def del elif else
            except finally for from global if import in is lambda match nonlocal not or pass raise
            return try while with yield],
        types: words![bool bytes complex dict float frozenset int list object set str tuple type],
        constants: words![True False None self cls],
        ..HASHED
    },
    Language {
        names: &["javascript", "js", "jsx", "mjs", "cjs", "node"],
        quotes: &[DOUBLE, SINGLE, BACKTICK],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: SCRIPT_WORDS,
        constants: words![true false null undefined NaN Infinity],
        ..C_LIKE
    },
    Language {
        names: &["typescript", "ts", "tsx", "mts", "cts"],
        quotes: &[DOUBLE, SINGLE, BACKTICK],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![abstract as async await break case catch class const continue debugger
            declare default delete do else enum export extends finally for from function get if
            implements import in infer instanceof interface is keyof let namespace new of override
            private protected public readonly return satisfies set static super switch this throw
            try type typeof var void while with yield],
        types: words![any bigint boolean never number object string symbol unknown],
        constants: words![true false null undefined NaN Infinity],
        ..C_LIKE
    },
    Language {
        names: &["json", "jsonc", "json5", "jsonl", "ndjson"],
        traits: &[Trait::ColonKeys],
        ..C_LIKE
    },
    Language {
        names: &["toml"],
        shape: Shape::Keyed('='),
        quotes: &[TRIPLE_DOUBLE, quote("'''", Escape::Never, Span::Lines), DOUBLE, SINGLE_PLAIN],
        constants: words![true false inf nan],
        ..HASHED
    },
    Language {
        names: &["ini", "cfg", "conf", "properties", "dotenv", "env", "editorconfig"],
        shape: Shape::Keyed('='),
        line_comments: &["#", ";"],
        quotes: &[DOUBLE, SINGLE],
        constants: words![true false yes no on off],
        traits: &[Trait::AnyCase, Trait::SpacedHash],
        ..BLANK
    },
    Language {
        names: &["yaml", "yml"],
        shape: Shape::Keyed(':'),
        quotes: &[DOUBLE, SINGLE_PLAIN],
        traits: &[Trait::SpacedHash],
        constants: words![true false null yes no on off],
        ..HASHED
    },
    Language {
        names: &["shell", "sh", "bash", "zsh", "fish", "console", "shellsession", "shell-session"],
        quotes: &[DOUBLE_LINES, SINGLE_PLAIN_LINES],
        traits: &[Trait::Dollars, Trait::SpacedHash, Trait::DashedNames],
        keywords: words![alias break case cd continue declare do done echo elif else esac eval exec
            exit export fi for function if in local readonly return set shift source sudo then trap
            unset until while],
        ..HASHED
    },
    Language {
        names: &["powershell", "ps1", "pwsh"],
        block_comment: Some(("<#", "#>")),
        traits: &[Trait::Dollars, Trait::DashedNames, Trait::AnyCase],
        quotes: &[DOUBLE_PLAIN, SINGLE_PLAIN],
        keywords: words![begin break catch class continue do else elseif end exit filter finally for
            foreach function if in param process return switch throw trap try until using while],
        ..HASHED
    },
    Language {
        names: &["c", "h"],
        traits: &[Trait::Directives],
        keywords: words![auto break case const continue default do else enum extern for goto if
            inline register restrict return sizeof static struct switch typedef union volatile while],
        types: words![bool char double float int int8_t int16_t int32_t int64_t long ptrdiff_t short
            signed size_t ssize_t uint8_t uint16_t uint32_t uint64_t uintptr_t unsigned void FILE],
        constants: words![NULL true false],
        ..C_LIKE
    },
    Language {
        names: &["cpp", "c++", "cc", "cxx", "hpp", "hh", "arduino", "cuda", "cu"],
        traits: &[Trait::Directives, Trait::CapitalTypes],
        keywords: words![alignas alignof auto break case catch class concept const consteval
            constexpr constinit const_cast continue co_await co_return co_yield decltype default
            delete do dynamic_cast else enum explicit export extern final for friend goto if inline
            mutable namespace new noexcept operator override private protected public
            reinterpret_cast requires return sizeof static static_assert static_cast struct switch
            template this throw try typedef typename union using virtual volatile while],
        types: words![bool char char8_t char16_t char32_t double float int int8_t int16_t int32_t
            int64_t long map optional short signed size_t string string_view uint8_t uint16_t
            uint32_t uint64_t unique_ptr shared_ptr unsigned vector void wchar_t],
        constants: words![NULL nullptr true false],
        ..C_LIKE
    },
    Language {
        names: &["go", "golang"],
        quotes: &[DOUBLE, SINGLE, BACKTICK_PLAIN],
        keywords: words![break case chan const continue default defer else fallthrough for func go
            goto if import interface map package range return select struct switch type var],
        types: words![any bool byte comparable complex64 complex128 error float32 float64 int int8
            int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr],
        constants: words![true false nil iota],
        ..C_LIKE
    },
    Language {
        names: &["java"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![abstract assert break case catch class continue default do else enum
            extends final finally for if implements import instanceof interface native new package
            permits private protected public record return sealed static strictfp super switch
            synchronized this throw throws transient try var volatile while yield],
        types: words![boolean byte char double float int long short void],
        ..C_LIKE
    },
    Language {
        names: &["csharp", "cs", "c#"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        traits: &[Trait::CapitalTypes, Trait::Directives],
        keywords: words![abstract as async await base break case catch checked class const continue
            default delegate do else enum event explicit extern finally fixed for foreach get goto
            if implicit in init interface internal is lock namespace new operator out override
            params partial private protected public readonly record ref return sealed set sizeof
            stackalloc static struct switch this throw try typeof unchecked unsafe using var virtual
            volatile when where while yield],
        types: words![bool byte char decimal double dynamic float int long object sbyte short string
            uint ulong ushort void],
        ..C_LIKE
    },
    Language {
        names: &["kotlin", "kt", "kts"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![as break by catch class companion const constructor continue data do else
            enum finally for fun if import in init inline interface internal is it lateinit object
            open operator out override package private protected public return sealed super suspend
            this throw try typealias val var when where while],
        ..C_LIKE
    },
    Language {
        names: &["swift"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE],
        traits: &[Trait::NestedComments, Trait::Decorators, Trait::CapitalTypes],
        keywords: words![actor as associatedtype async await break case catch class continue default
            defer deinit do else enum extension fallthrough fileprivate for func guard if import in
            init inout internal is let mutating open operator override private protocol public
            repeat rethrows return self static struct subscript super switch throw throws try
            typealias var where while],
        constants: words![true false nil],
        ..C_LIKE
    },
    Language {
        names: &["dart"],
        quotes: &[TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![abstract as assert async await break case catch class const continue
            default do dynamic else enum export extends extension factory final finally for if
            implements import in is late library mixin new on operator part required rethrow return
            set static super switch sync this throw try typedef var while with yield],
        types: words![bool double int num void],
        ..C_LIKE
    },
    Language {
        names: &["scala", "sc"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes],
        keywords: words![abstract case catch class def do else enum extends extension final finally
            for forSome given if implicit import lazy match new object override package private
            protected return sealed super then this throw trait try type using val var while with
            yield],
        ..C_LIKE
    },
    Language {
        names: &["zig"],
        block_comment: None,
        keywords: words![align and anytype async await break catch comptime const continue defer
            else enum errdefer error export extern fn for if inline orelse or packed pub resume
            return struct suspend switch test threadlocal try union unreachable usingnamespace var
            volatile while],
        types: words![anyerror bool f16 f32 f64 i8 i16 i32 i64 isize noreturn type u8 u16 u32 u64
            usize void],
        constants: words![true false null undefined],
        ..C_LIKE
    },
    Language {
        names: &["php"],
        line_comments: &["//", "#"],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        traits: &[Trait::Dollars, Trait::CapitalTypes],
        keywords: words![abstract as break case catch class clone const continue declare default do
            echo else elseif enum extends final finally fn for foreach function global if implements
            include instanceof interface match namespace new private protected public readonly
            require require_once return static switch throw trait try use var while yield],
        types: words![array bool callable float int iterable mixed object string void],
        ..C_LIKE
    },
    Language {
        names: &["ruby", "rb"],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        traits: &[Trait::CapitalTypes, Trait::Symbols],
        keywords: words![alias and attr_accessor attr_reader begin break case class def defined do
            else elsif end ensure extend for if in include loop module next not or private public
            raise redo require require_relative rescue retry return self super then undef unless
            until when while yield],
        constants: words![true false nil],
        ..HASHED
    },
    Language {
        names: &["perl", "pl"],
        quotes: &[DOUBLE_LINES, SINGLE_LINES],
        traits: &[Trait::Dollars],
        keywords: words![and cmp die do each else elsif eq for foreach ge gt if join keys last le
            local lt map my ne next no not or our package print push return say shift sort split
            sub unless until use values while],
        constants: words![undef],
        ..HASHED
    },
    Language {
        names: &["lua"],
        line_comments: &["--"],
        block_comment: Some(("--[[", "]]")),
        quotes: &[DOUBLE, SINGLE, LONG_BRACKET],
        keywords: words![and break do else elseif end for function goto if in local not or repeat
            return then until while],
        constants: words![true false nil self],
        ..BLANK
    },
    Language {
        names: &["elixir", "ex", "exs"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE_LINES, SINGLE],
        traits: &[Trait::Decorators, Trait::CapitalTypes, Trait::Symbols],
        keywords: words![after alias and case catch cond def defdelegate defimpl defmacro defmodule
            defp defprotocol defstruct do else end fn for if import in not or quote raise receive
            require rescue try unless unquote use when with],
        constants: words![true false nil],
        ..HASHED
    },
    Language {
        names: &["haskell", "hs", "elm", "purescript"],
        line_comments: &["--"],
        block_comment: Some(("{-", "-}")),
        traits: &[Trait::NestedComments, Trait::CapitalTypes],
        keywords: words![case class data deriving do else family forall foreign if import in infix
            infixl infixr instance let module newtype of qualified then type where],
        constants: words![True False Nothing Just],
        ..BLANK
    },
    Language {
        names: &["ocaml", "ml", "fsharp", "fs", "f#"],
        line_comments: &["//"],
        block_comment: Some(("(*", "*)")),
        traits: &[Trait::NestedComments, Trait::CapitalTypes],
        keywords: words![and as begin do done downto else end exception external for fun function
            functor if in include inherit lazy let match member method module mutable namespace new
            of open or override private rec sig static struct then to try type use val when while
            with yield],
        types: words![bool char float int list option string unit],
        constants: words![true false None Some Ok Error],
        ..BLANK
    },
    Language {
        names: &["r"],
        keywords: words![break else for function if in library next repeat require return while],
        constants: words![TRUE FALSE NULL NA NaN Inf],
        ..HASHED
    },
    Language {
        names: &["julia", "jl"],
        block_comment: Some(("#=", "=#")),
        quotes: &[TRIPLE_DOUBLE, DOUBLE, SINGLE],
        traits: &[Trait::NestedComments, Trait::Decorators, Trait::CapitalTypes],
        keywords: words![abstract baremodule begin break catch const continue do else elseif end
            export finally for function global if import in isa let local macro module mutable
            primitive quote return struct try type using where while],
        constants: words![true false nothing missing],
        ..HASHED
    },
    Language {
        names: &["sql", "postgres", "postgresql", "psql", "mysql", "sqlite", "plpgsql"],
        line_comments: &["--"],
        block_comment: Some(("/*", "*/")),
        quotes: &[SINGLE_PLAIN_LINES, DOUBLE_PLAIN, BACKTICK_PLAIN],
        traits: &[Trait::AnyCase],
        keywords: words![add all alter analyze and any as asc begin between by cascade case check
            column commit concurrently conflict constraint create cross database default delete desc
            distinct do drop else end except exists explain fetch filter for foreign from full
            function group having if ilike in include index inner insert intersect into is join key
            lateral left like limit materialized natural not nothing offset on or order outer over
            partition primary procedure recursive references returning returns revoke right rollback
            select set table temporary then to transaction trigger truncate union unique update
            using values view when where window with],
        types: words![bigint bigserial blob boolean bytea char date decimal double float int integer
            interval json jsonb numeric real serial smallint text time timestamp timestamptz uuid
            varchar],
        constants: words![true false null],
        ..BLANK
    },
    Language {
        names: &["html", "xml", "svg", "xhtml", "vue", "svelte", "htm", "xaml", "plist"],
        shape: Shape::Markup,
        ..BLANK
    },
    Language {
        names: &["css", "scss", "sass", "less"],
        line_comments: &[],
        traits: &[Trait::ColonKeys, Trait::DashedNames, Trait::Decorators, Trait::Dollars],
        keywords: words![important],
        ..C_LIKE
    },
    Language { names: &["diff", "patch", "udiff"], shape: Shape::Patch, ..BLANK },
    Language {
        names: &["dockerfile", "docker", "containerfile"],
        traits: &[Trait::Dollars, Trait::SpacedHash, Trait::DashedNames],
        keywords: words![FROM AS RUN CMD LABEL EXPOSE ENV ADD COPY ENTRYPOINT VOLUME USER WORKDIR
            ARG ONBUILD STOPSIGNAL HEALTHCHECK SHELL],
        ..HASHED
    },
    Language {
        names: &["makefile", "make", "mk", "just", "justfile"],
        traits: &[Trait::Dollars, Trait::SpacedHash, Trait::DashedNames],
        keywords: words![define else endef endif export ifdef ifeq ifndef ifneq include override
            unexport],
        ..HASHED
    },
    Language {
        names: &["hcl", "terraform", "tf"],
        line_comments: &["#", "//"],
        traits: &[Trait::DashedNames],
        keywords: words![data dynamic for for_each if in locals module output provider resource
            terraform variable],
        types: words![any bool list map number object set string tuple],
        ..C_LIKE
    },
    Language {
        names: &["nix"],
        line_comments: &["#"],
        quotes: &[DOUBLE_LINES, quote("''", Escape::Never, Span::Lines)],
        traits: &[Trait::DashedNames],
        keywords: words![assert else if import in inherit let or rec then with],
        ..C_LIKE
    },
    Language {
        names: &["graphql", "gql"],
        line_comments: &["#"],
        quotes: &[TRIPLE_DOUBLE, DOUBLE],
        traits: &[Trait::Dollars, Trait::Decorators, Trait::CapitalTypes],
        keywords: words![directive enum extend fragment implements input interface mutation on query
            scalar schema subscription type union],
        ..BLANK
    },
    Language {
        names: &["protobuf", "proto"],
        keywords: words![enum extend import map message oneof option optional package repeated
            reserved returns rpc service stream syntax],
        types: words![bool bytes double fixed32 fixed64 float int32 int64 sint32 sint64 string
            uint32 uint64],
        ..C_LIKE
    },
    Language {
        names: &["clojure", "clj", "lisp", "scheme", "elisp", "emacs-lisp", "racket"],
        line_comments: &[";"],
        quotes: &[DOUBLE_LINES],
        traits: &[Trait::DashedNames, Trait::Symbols],
        keywords: words![case cond def define defmacro defmethod defn defun defvar do else fn for if
            lambda let letfn loop ns progn quote recur require setq unless when while],
        constants: words![true false nil],
        ..BLANK
    },
];
