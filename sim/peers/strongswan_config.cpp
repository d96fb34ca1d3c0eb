#include "sim/peers/strongswan_config.h"

#include <fmt/format.h>

#include <chrono>

#include "sim/peers/strongswan_proposal.h"

namespace gatelab::sim::peers {
namespace {

// A value of strongSwan's settings format, whatever is in it.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '\n') {
            out += "\\n";
            continue;
        }
        if (letter == '"' || letter == '\\') out += '\\';
        out += letter;
    }
    out += '"';
    return out;
}

// Typed, so that strongSwan does not guess: gatelab's texts mean what credentials say they mean.
std::string identity_of(std::string_view text) {
    if (parse_address(text)) return in_quotes(fmt::format("ipv4:{}", text));
    if (text.find('=') != std::string_view::npos) return in_quotes(text);  // a distinguished name
    if (text.find('@') != std::string_view::npos) return in_quotes(fmt::format("email:{}", text));
    return in_quotes(fmt::format("fqdn:{}", text));
}

std::string seconds(Duration duration) {
    return fmt::format("{}s", std::chrono::ceil<std::chrono::seconds>(duration).count());
}

void append_item(std::string& list, const std::string& item) {
    if (!list.empty()) list += ',';
    list += item;
}

std::string joined(const std::vector<Prefix>& prefixes) {
    std::string text;
    for (const auto& prefix : prefixes) append_item(text, to_string(prefix));
    return text;
}

class Writer {
public:
    void open(const std::string& name) {
        line(name + " {");
        ++depth_;
    }
    void close() {
        --depth_;
        line("}");
    }
    void set(const std::string& name, const std::string& value) {
        if (!value.empty()) line(name + " = " + value);
    }
    void line(const std::string& text) {
        text_.append(static_cast<std::size_t>(depth_) * 4, ' ').append(text).append("\n");
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
    int depth_ = 0;
};

std::string names_of_roots(const crypto::TrustStore& roots) {
    std::string names;
    for (std::size_t i = 0; i < roots.roots().size(); ++i) append_item(names, fmt::format("root-{}.pem", i));
    return names;
}

// Random margins off: a rekeying happens when the topology says so.
void write_common(Writer& out, const IkeEnd& common) {
    out.set("version", "2");
    out.set("local_addrs", to_string(common.address));
    out.set("proposals", to_proposals(common.ike_policy));
    out.set("rekey_time", seconds(common.ike_lifetime));
    out.set("rand_time", "0s");
    out.set("dpd_delay", seconds(common.liveness));
    out.set("mobike", "no");
    out.set("send_cert", "always");
}

// What is not said, strongSwan takes from the addresses of the tunnel's ends.
struct Selectors {
    std::string local, remote;
};

void write_child(Writer& out, const IkeEnd& common, const Selectors& selectors) {
    out.open("children");
    out.open(kChildName);
    if (!selectors.local.empty()) out.set("local_ts", selectors.local);
    if (!selectors.remote.empty()) out.set("remote_ts", selectors.remote);
    out.set("esp_proposals", to_proposals(common.ipsec_policy));
    out.set("rekey_time", seconds(common.child_lifetime));
    out.set("rand_time", "0s");
    out.close();
    out.close();
}

struct Party {
    std::string identification;  // already in strongSwan's form
    bool by_certificate;
};

void write_local(Writer& out, const Party& party) {
    out.open("local");
    out.set("auth", party.by_certificate ? "pubkey" : "psk");
    if (party.by_certificate) out.set("certs", "own.pem");
    out.set("id", party.identification);
    out.close();
}

void write_remote(Writer& out, const Party& party, const crypto::TrustStore& roots) {
    out.open("remote");
    out.set("auth", party.by_certificate ? "pubkey" : "psk");
    if (party.by_certificate) out.set("cacerts", names_of_roots(roots));
    out.set("id", party.identification);
    out.close();
}

std::vector<ConfigFile> credential_files(const IkeEnd& common) {
    std::vector<ConfigFile> files;
    for (std::size_t i = 0; i < common.roots.roots().size(); ++i)
        files.push_back({fmt::format("x509ca/root-{}.pem", i), common.roots.roots()[i].to_pem()});
    if (common.identity) {
        files.push_back({"x509/own.pem", common.identity->certificate.to_pem()});
        files.push_back({"private/own.pem", common.identity->key.to_pem(), true});
    }
    Writer secrets;
    secrets.open("secrets");
    if (!common.pre_shared_key.empty()) {
        secrets.open("ike-shared");
        secrets.set("secret", "0x" + to_hex(as_bytes(common.pre_shared_key)));
        secrets.close();
    }
    secrets.close();
    files.push_back({"secrets.conf", secrets.take(), true});
    return files;
}

std::vector<ConfigFile> with_credentials(Writer out, const IkeEnd& common) {
    out.line("include secrets.conf");
    auto files = credential_files(common);
    files.insert(files.begin(), {"swanctl.conf", out.take()});
    return files;
}

// The addresses that our gateway would hand out, too.
std::string range_of(Prefix pool) {
    if (pool.size() < 4) return to_string(pool);
    return fmt::format("{}-{}", to_string(Ipv4Address{pool.first().number() + 2}),
                       to_string(Ipv4Address{pool.last().number() - 1}));
}

void write_gateway_connection(Writer& out, const StrongSwanGatewaySettings& settings, bool by_certificate) {
    out.open(by_certificate ? "p2s-certificate" : "p2s-key");
    write_common(out, settings.common);
    out.set("pools", "clients");
    write_local(out, {identity_of(settings.identification), by_certificate});
    write_remote(out, {"%any", by_certificate}, settings.common.roots);
    auto granted = settings.networks;
    granted.push_back(settings.pool);
    write_child(out, settings.common, {joined(granted), {}});
    out.close();
}

}  // namespace

std::vector<ConfigFile> client_files(const StrongSwanClientSettings& settings) {
    const bool by_certificate = settings.common.identity.has_value();
    Writer out;
    out.open("connections");
    out.open(kClientConnection);
    write_common(out, settings.common);
    out.set("remote_addrs", to_string(settings.gateway));
    out.set("vips", "0.0.0.0");
    write_local(out, {identity_of(settings.identification), by_certificate});
    write_remote(out, {identity_of(settings.server), by_certificate}, settings.common.roots);
    write_child(out, settings.common, {{}, settings.remote.empty() ? "0.0.0.0/0" : joined(settings.remote)});
    out.close();
    out.close();
    return with_credentials(std::move(out), settings.common);
}

std::vector<ConfigFile> gateway_files(const StrongSwanGatewaySettings& settings) {
    Writer out;
    out.open("connections");
    if (settings.common.identity && !settings.common.roots.roots().empty())
        write_gateway_connection(out, settings, true);
    if (!settings.common.pre_shared_key.empty()) write_gateway_connection(out, settings, false);
    out.close();
    out.open("pools");
    out.open("clients");
    out.set("addrs", range_of(settings.pool));
    std::string servers;
    for (const auto server : settings.dns) append_item(servers, to_string(server));
    out.set("dns", servers);
    out.close();
    out.close();
    return with_credentials(std::move(out), settings.common);
}

std::vector<ConfigFile> site_files(const StrongSwanSiteSettings& settings) {
    const bool by_certificate = settings.common.identity.has_value();
    Writer out;
    out.open("connections");
    out.open(kSiteConnection);
    write_common(out, settings.common);
    out.set("remote_addrs", to_string(settings.peer));
    write_local(out, {identity_of(settings.identification), by_certificate});
    write_remote(out, {identity_of(settings.peer_identification), by_certificate}, settings.common.roots);
    write_child(out, settings.common, {joined(settings.local), joined(settings.remote)});
    out.close();
    out.close();
    return with_credentials(std::move(out), settings.common);
}

ConfigFile daemon_file(const DaemonSettings& settings) {
    const auto at = [&](const char* file) { return in_quotes((settings.folder / file).string()); };
    const bool by_kernel = settings.esp == EspBy::Kernel;
    const auto log = [&](Writer& out, const char* name, const char* file, const char* stream) {
        out.open(name);
        out.set("path", by_kernel ? stream : at(file));
        out.set("time_format", "%H:%M:%S");
        out.set("time_add_ms", "yes");
        out.set("flush_line", "yes");
        out.set("append", "no");
        out.set("ike_name", "yes");
    };
    Writer out;
    out.open("charon-systemd");
    // OpenSSL has every algorithm of our policies, but its key derivation fails here: kdf. kernel-libipsec comes before
    // kernel-netlink: what it does, that one shall not.
    out.set("load", fmt::format("random nonce openssl pem x509 pubkey pkcs1 pkcs8 constraints socket-default {}"
                                "kernel-netlink vici resolve kdf",
                                by_kernel ? "" : "kernel-libipsec "));
    out.set("install_virtual_ip_on", by_kernel ? "net0" : "ipsec0");
    if (!settings.patient) {
        // 0.5 + 0.75 + 1.125 + 1.69 s: long enough for a busy machine, short enough for a case that waits for the end.
        out.set("retransmit_timeout", "0.5");
        out.set("retransmit_base", "1.5");
        out.set("retransmit_tries", "3");
    }
    out.open("filelog");
    log(out, "ordinary", kLog, "stderr");
    out.set("default", "1");
    out.close();
    if (settings.log_keys) {
        log(out, "private", kPrivateLog, "stdout");
        out.set("default", "-1");
        out.set("ike", "4");
        out.set("chd", "4");
        out.set("cfg", "1");
        out.set("enc", "1");
        out.close();
    }
    out.close();
    out.open("journal");
    out.set("default", "-1");
    out.close();
    out.open("plugins");
    out.open("vici");
    out.set("socket", in_quotes("unix://" + settings.vici_socket));
    out.close();
    out.open("resolve");
    out.set("file", at(kResolvConf));
    out.close();
    out.close();
    out.close();
    out.open("swanctl");
    out.set("load", "pem pkcs1 pkcs8 x509 pubkey openssl random nonce");
    out.close();
    return {"strongswan.conf", out.take()};
}

std::vector<std::string> daemon_environment(const std::filesystem::path& folder, EspBy esp) {
    std::vector<std::string> environment{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                         "STRONGSWAN_CONF=" + (folder / "strongswan.conf").string(),
                                         "SWANCTL_DIR=" + folder.string()};
    // Hides the time-stamp counter and the processor's random numbers from OpenSSL: nothing else in a guest is of this
    // machine, or of this moment.
    if (esp == EspBy::Kernel) environment.emplace_back("OPENSSL_ia32cap=~0x4000000000000010:~0x40000");
    return environment;
}

}  // namespace gatelab::sim::peers
