#include <fmt/format.h>

#include <algorithm>

#include "impl/base/suggest.h"
#include "impl/profile/directives.h"
#include "impl/profile/takers.h"

namespace gatelab::profile {
namespace {

// Outer IPv4 header and transport header, by which OpenVPN's two ways of counting a packet differ.
constexpr std::uint16_t kOuterUdp = 20 + 8, kOuterTcp = 20 + 20;

std::string unknown(const std::string& name) {
    const auto meant = closest(name, directive_names());
    return fmt::format("unknown directive \"{}\"; {}", name,
                       meant.empty() ? "expected one of OpenVPN 2.6" : fmt::format("did you mean \"{}\"?", meant));
}

std::string how_many(std::size_t count) {
    return count == 0 ? "no argument" : fmt::format("{} argument{}", count, count == 1 ? "" : "s");
}

std::string expected_arguments(const Directive& directive) {
    if (directive.least == directive.most) return how_many(directive.most);
    return fmt::format("{} to {} arguments", directive.least, directive.most);
}

class Parser {
public:
    explicit Parser(std::string file) { reading_.file = std::move(file); }

    Result<ParsedOvpn> parse(std::string_view text);

private:
    tl::unexpected<Error> complain(std::string what) const {
        return fail_at(reading_.file, reading_.line, std::move(what));
    }
    Result<void> take(const Statement&);
    Result<void> take_words(Arguments words);
    Result<void> take_setenv(Arguments arguments);
    Result<void> take_block(const std::string& name, const std::string& text);
    Result<void> take_connection(const std::string& text);
    Result<void> apply(const Directive&, Arguments arguments);
    void note_repetition(const std::string& name);
    bool may_be_unknown(const std::string& name) const { return reading_.tolerant || reading_.ignored.contains(name); }
    Result<void> finish();
    Result<void> finish_proxy();
    Result<void> finish_sizes();

    Reading reading_;
};

Result<ParsedOvpn> Parser::parse(std::string_view text) {
    const auto statements = split_statements(text, reading_.file);
    if (!statements) return pass(statements);
    for (const auto& statement : *statements)
        if (const auto taken = take(statement); !taken) return pass(taken);
    if (const auto finished = finish(); !finished) return pass(finished);
    return ParsedOvpn{std::move(reading_.profile), std::move(reading_.warnings)};
}

Result<void> Parser::take(const Statement& statement) {
    reading_.line = statement.line;
    if (statement.block) return take_block(statement.words[0], *statement.block);
    return take_words(statement.words);
}

Result<void> Parser::take_words(Arguments words) {
    const auto& name = words[0];
    const auto arguments = words.subspan(1);
    if (name.starts_with("</"))
        return complain(fmt::format("{} ends a block that has not begun; expected a directive", name));
    if (name.starts_with('<'))
        return complain(fmt::format("{} with something behind it; expected a block's name alone on its line", name));
    if (name == "setenv") return take_setenv(arguments);
    if (name == "ignore-unknown-option") {
        if (arguments.empty()) return complain("ignore-unknown-option has no argument; expected names of directives");
        reading_.ignored.insert(arguments.begin(), arguments.end());
        return {};
    }
    const auto* directive = find_directive(name);
    if (directive) return apply(*directive, arguments);
    if (!may_be_unknown(name)) return complain(unknown(name));
    reading_.warn(fmt::format("unknown directive \"{}\" is left out, as the profile allows", name));
    return {};
}

// "setenv opt X": X where it is known, and nothing where it is not. Everything else names a variable of scripts.
Result<void> Parser::take_setenv(Arguments arguments) {
    if (arguments.empty()) return complain("setenv has no argument; expected a name and a value");
    if (arguments[0] == "opt" && arguments.size() > 1) {
        const auto words = arguments.subspan(1);
        if (find_directive(words[0]) || words[0] == "setenv") return take_words(words);
        reading_.warn(fmt::format("unknown directive \"{}\" is left out, as setenv opt allows", words[0]));
        return {};
    }
    if (arguments.size() > 2)
        return complain(fmt::format("setenv has {}; expected a name and a value", how_many(arguments.size())));
    if (arguments[0] == "FORWARD_COMPATIBLE" && arguments.size() > 1 && arguments[1] == "1") reading_.tolerant = true;
    return {};
}

Result<void> Parser::take_block(const std::string& name, const std::string& text) {
    if (name == "connection") return take_connection(text);
    const auto* directive = find_directive(name);
    const bool signs_in = is_sign_in(name);
    if (!directive) {
        if (!may_be_unknown(name)) return complain(unknown(name));
        reading_.warn(fmt::format("unknown block <{}> is left out, as the profile allows", name));
        return {};
    }
    if (directive->kind == Directive::Kind::Refused) return complain(fmt::format("<{}> {}", name, directive->why));
    if (!directive->block && !signs_in)
        return complain(
            fmt::format("<{0}> opens a block, expected \"{0}\" with {1}", name, expected_arguments(*directive)));
    if (const auto [first, is_new] = reading_.seen.emplace("<" + name + ">", reading_.line); !is_new)
        return complain(
            fmt::format("<{}> stands here again; line {} has one, and one is expected", name, first->second));
    if (text.find_first_not_of(" \t\r\n") == text.npos)
        return complain(fmt::format("<{}> is empty; expected {}", name,
                                    signs_in ? "a name and a password, one a line" : "a PEM text"));
    if (!signs_in) {
        reading_.profile.*directive->block = text;
        return {};
    }
    const auto taken = take_sign_in(reading_, name, text);
    return taken ? taken : complain(fmt::format("<{}>: {}", name, taken.error().detail));
}

// One remote with what is its own. Other directives that OpenVPN allows there would hold for this remote only.
Result<void> Parser::take_connection(const std::string& text) {
    const auto statements = split_statements(text, reading_.file, reading_.line + 1);
    if (!statements) return pass(statements);
    const int opened = reading_.line;
    Reading inner;
    for (const auto& statement : *statements) {
        reading_.line = statement.line;
        const auto& name = statement.words[0];
        const bool is_own = name == "remote" || name == "proto" || name == "port" || name == "rport";
        const auto* directive = find_directive(name);
        if (!directive && !may_be_unknown(name)) return complain(unknown(name));
        if (!is_own && name != "nobind")
            return complain(
                fmt::format("\"{}\" within <connection>; expected remote, proto, port or nobind there, and "
                            "the rest outside",
                            name));
        const auto arguments = Arguments{statement.words}.subspan(1);
        if (arguments.size() < directive->least || arguments.size() > directive->most)
            return complain(fmt::format("{} has {}; expected {}", name, how_many(arguments.size()),
                                        expected_arguments(*directive)));
        if (!is_own) continue;
        if (const auto taken = directive->take(inner, arguments); !taken)
            return complain(fmt::format("{}: {}", name, taken.error().detail));
    }
    reading_.line = opened;
    if (inner.profile.remotes.size() != 1)
        return complain(fmt::format("<connection> with {} remotes, expected one", inner.profile.remotes.size()));
    auto remote = std::move(inner.profile.remotes.front());
    if (!inner.remote_has_port[0]) remote.port = inner.default_port;
    if (!remote.transport) remote.transport = inner.profile.transport;
    reading_.profile.remotes.push_back(std::move(remote));
    reading_.remote_has_port.push_back(true);
    return {};
}

Result<void> Parser::apply(const Directive& directive, Arguments arguments) {
    if (directive.kind == Directive::Kind::Refused)
        return complain(fmt::format("{} {}", directive.name, directive.why));
    if (arguments.size() < directive.least || arguments.size() > directive.most)
        return complain(fmt::format("{} has {}; expected {}", directive.name, how_many(arguments.size()),
                                    expected_arguments(directive)));
    if (directive.kind == Directive::Kind::Harmless)
        reading_.warn(fmt::format("{} {}; it is left out", directive.name, directive.why));
    if (!directive.take) return {};
    note_repetition(std::string{directive.name});
    const auto taken = directive.take(reading_, arguments);
    return taken ? taken : complain(fmt::format("{}: {}", directive.name, taken.error().detail));
}

void Parser::note_repetition(const std::string& name) {
    const auto [first, is_new] = reading_.seen.emplace(name, reading_.line);
    if (is_new || name == "remote") return;
    reading_.warn(fmt::format("{} stands in line {} too; this one holds", name, first->second));
    first->second = reading_.line;
}

Result<void> Parser::finish() {
    auto& profile = reading_.profile;
    if (!reading_.is_client || !reading_.pulls)
        return fail_at(reading_.file, std::max(reading_.line, 1),
                       "no \"client\" in the whole file; expected a client's "
                       "profile");
    for (std::size_t i = 0; i < profile.remotes.size(); ++i)
        if (!reading_.remote_has_port[i]) profile.remotes[i].port = reading_.default_port;
    if (!profile.tls_auth.empty() + !profile.tls_crypt.empty() + !profile.tls_crypt_v2.empty() > 1)
        return fail_at(reading_.file, std::max(reading_.line, 1),
                       "more than one of tls-auth, tls-crypt and tls-crypt-v2; expected at most one");
    if (const auto finished = finish_proxy(); !finished) return finished;
    return finish_sizes();
}

Result<void> Parser::finish_proxy() {
    auto& profile = reading_.profile;
    if (!profile.http_proxy)
        return reading_.proxy_username.empty() ? Result<void>{}
                                               : fail_at(reading_.file, std::max(reading_.line, 1),
                                                         "http-proxy-user-pass and no http-proxy; expected both");
    for (const auto& remote : profile.remotes)
        if (remote.transport.value_or(profile.transport.value_or(openvpn::Transport::Udp)) == openvpn::Transport::Udp)
            return fail_at(reading_.file, reading_.seen["http-proxy"],
                           "http-proxy and a remote over UDP; expected proto tcp");
    profile.http_proxy->username = std::move(reading_.proxy_username);
    profile.http_proxy->password = std::move(reading_.proxy_password);
    return {};
}

// mssfix counts the outer packet here and fragment the UDP payload, whatever the file counted.
Result<void> Parser::finish_sizes() {
    auto& profile = reading_.profile;
    const auto first = profile.remotes.empty() ? std::nullopt : profile.remotes.front().transport;
    const bool is_tcp = first.value_or(profile.transport.value_or(openvpn::Transport::Udp)) == openvpn::Transport::Tcp;
    if (reading_.mssfix_counts_payload && profile.mssfix.value_or(0) != 0)
        *profile.mssfix = static_cast<std::uint16_t>(*profile.mssfix + (is_tcp ? kOuterTcp : kOuterUdp));
    if (reading_.fragment_counts_packet && profile.fragment.value_or(0) != 0) {
        if (*profile.fragment < 68 + kOuterUdp)
            return fail_at(
                reading_.file, reading_.seen["fragment"],
                fmt::format("fragment: \"{} mtu\", expected at least {}", *profile.fragment, 68 + kOuterUdp));
        *profile.fragment = static_cast<std::uint16_t>(*profile.fragment - kOuterUdp);
    }
    return {};
}

}  // namespace

Result<ParsedOvpn> parse_ovpn(std::string_view text, const std::string& file) { return Parser{file}.parse(text); }

}  // namespace gatelab::profile
