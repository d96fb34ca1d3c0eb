#include "sim/peers/libreswan_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "sim/peers/libreswan_proposal.h"

namespace gatelab::sim::peers {
namespace {

using namespace std::chrono_literals;

// libreswan replaces an SA so long before it would end. Without fuzz, the rekeying comes when the topology says.
constexpr Duration kMargin = 30s;
constexpr std::string_view kUserPrefix = "user-";

std::string seconds(Duration duration) {
    return fmt::format("{}s", std::chrono::ceil<std::chrono::seconds>(duration).count());
}

// Typed, so that libreswan does not guess.
std::string identity_of(std::string_view text) {
    if (parse_address(text) || text.find('=') != std::string_view::npos || text.find('@') != std::string_view::npos)
        return std::string{text};
    return fmt::format("@{}", text);
}

struct Side {
    std::string name;  // "left"
    bool by_certificate;
};

// "rsasig" takes RSASSA-PSS of RFC 7427 and, with peers that do not know that, PKCS #1 with SHA-1.
std::string authentication(const IkeEnd& common, bool by_certificate) {
    if (!by_certificate) return "secret";
    return common.identity->key.type() == crypto::KeyType::Ecdsa ? "ecdsa" : "rsasig";
}

void append_common(std::string& out, const IkeEnd& common, const std::string& ike, const LibreswanChildren& children,
                   bool by_certificate) {
    const auto set = [&](std::string_view name, const std::string& value) {
        out += fmt::format("    {}={}\n", name, value);
    };
    set("ikev2", "yes");
    set("auto", "add");
    set("authby", authentication(common, by_certificate));
    set("ike", ike);
    set("phase2alg", children.proposals);
    set("pfs", children.pfs ? "yes" : "no");
    set("esn", children.extended_sequence_numbers);
    set("narrowing", "yes");
    set("mobike", "no");
    set("keyingtries", "1");
    set("ikelifetime", seconds(common.ike_lifetime + kMargin));
    set("salifetime", seconds(common.child_lifetime + kMargin));
    set("rekeymargin", seconds(kMargin));
    set("rekeyfuzz", "0%");
    // 0.5 + 0.5 + 1 + 2 s: as long as strongSwan's here.
    set("retransmit-interval", "500");
    set("retransmit-timeout", "4s");
    if (common.liveness > 0s) {
        set("dpddelay", seconds(common.liveness));
        set("dpdtimeout", seconds(common.liveness * 4));  // of no effect in IKEv2, but asked for
        set("dpdaction", "clear");
    }
    set("left", to_string(common.address));
    set("leftupdown", "/usr/libexec/ipsec/_updown");
    if (by_certificate) {
        set("leftcert", "own");
        set("leftsendcert", "always");
        set("rightca", "%any");
    }
}

std::vector<ConfigFile> credential_files(const IkeEnd& common) {
    std::vector<ConfigFile> files;
    for (std::size_t i = 0; i < common.roots.roots().size(); ++i)
        files.push_back({fmt::format("root-{}.pem", i), common.roots.roots()[i].to_pem()});
    if (common.identity) {
        files.push_back({"own.pem", common.identity->certificate.to_pem()});
        files.push_back({"own.key", common.identity->key.to_pem(), true});
    }
    std::string secrets;
    if (!common.pre_shared_key.empty()) secrets = fmt::format(": PSK 0x{}\n", to_hex(as_bytes(common.pre_shared_key)));
    files.push_back({"ipsec.secrets", secrets, true});
    return files;
}

// The programs look for each other in /usr/libexec/ipsec, and for libraries in the system's folders or those of the
// environment: the unpacked package is laid over the one, and named in the other. No name of a user's folder is in a
// command here: a program could read it, and the run would depend on it.
std::string preparation(const IkeEnd& common, const LibreswanPlaces& places) {
    std::string script = "set -e\n";
    const auto line = [&](const std::string& text) { script += text + "\n"; };
    line(fmt::format("if [ -e {0}/usr/libexec/ipsec/pluto ]; then", places.program));
    line("  mkdir -p /run/libreswan");
    line(fmt::format("  mount --bind {}/ /run/libreswan", places.program));
    line("  mount -t overlay -o ro,lowerdir=/run/libreswan/usr/libexec:/usr/libexec overlay /usr/libexec");
    line("fi");
    line("mkdir -p /run/pluto /run/nss /run/ipsec.d");
    line(fmt::format("cd {}", places.folder));
    line("certutil -N -d sql:/run/nss --empty-password");
    for (std::size_t i = 0; i < common.roots.roots().size(); ++i)
        line(fmt::format("certutil -A -n root-{0} -t CT,, -d sql:/run/nss -i root-{0}.pem", i));
    if (common.identity) {
        line("openssl pkcs12 -export -in own.pem -inkey own.key -name own -passout pass: -out /run/own.p12");
        line("pk12util -i /run/own.p12 -d sql:/run/nss -W ''");
    }
    return script;
}

std::vector<ConfigFile> with_credentials(std::string conf, const IkeEnd& common, const LibreswanPlaces& places) {
    auto files = credential_files(common);
    files.insert(files.begin(), {"ipsec.conf", std::move(conf)});
    files.push_back({"prepare", preparation(common, places)});
    return files;
}

// The addresses that our gateway would hand out, too.
std::string range_of(Prefix pool) {
    if (pool.size() < 4) return fmt::format("{}-{}", to_string(pool.first()), to_string(pool.last()));
    return fmt::format("{}-{}", to_string(Ipv4Address{pool.first().number() + 2}),
                       to_string(Ipv4Address{pool.last().number() - 1}));
}

std::string joined(const std::vector<Ipv4Address>& addresses) {
    std::string text;
    for (const auto address : addresses) {
        if (!text.empty()) text += ',';
        text += to_string(address);
    }
    return text;
}

constexpr std::string_view kSetup = "config setup\n    logtime=yes\n    uniqueids=yes\n\n";

}  // namespace

std::string libreswan_connection_of(std::size_t user) { return fmt::format("{}{}", kUserPrefix, user); }

std::optional<std::size_t> libreswan_user_of(std::string_view name) {
    if (!name.starts_with(kUserPrefix)) return std::nullopt;
    name.remove_prefix(kUserPrefix.size());
    std::size_t user = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), user);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return user;
}

Result<std::vector<ConfigFile>> libreswan_files(const LibreswanClientSettings& settings,
                                                const LibreswanPlaces& places) {
    const auto ike = libreswan_ike(settings.common.ike_policy);
    if (!ike) return pass(ike);
    const auto children = libreswan_children(settings.common.ipsec_policy);
    if (!children) return pass(children);
    std::string conf{kSetup};
    conf += fmt::format("conn {}\n", kLibreswanConnection);
    append_common(conf, settings.common, *ike, *children, settings.common.identity.has_value());
    conf += fmt::format("    leftid={}\n", identity_of(settings.identification));
    conf += "    leftsubnet=0.0.0.0/0\n    leftmodecfgclient=yes\n";
    conf += fmt::format("    right={}\n    rightid={}\n", to_string(settings.gateway), identity_of(settings.server));
    conf += fmt::format("    rightsubnet={}\n", to_string(settings.remote));
    return with_credentials(std::move(conf), settings.common, places);
}

Result<std::vector<ConfigFile>> libreswan_files(const LibreswanGatewaySettings& settings,
                                                const LibreswanPlaces& places) {
    const auto ike = libreswan_ike(settings.common.ike_policy);
    if (!ike) return pass(ike);
    const auto children = libreswan_children(settings.common.ipsec_policy);
    if (!children) return pass(children);
    std::string conf{kSetup};
    for (std::size_t i = 0; i < settings.users.size(); ++i) {
        const auto& user = settings.users[i];
        conf += fmt::format("conn {}\n", libreswan_connection_of(i));
        append_common(conf, settings.common, *ike, *children, user.by_certificate);
        conf += fmt::format("    leftid={}\n", identity_of(settings.identification));
        conf += fmt::format("    leftsubnet={}\n    leftmodecfgserver=yes\n", to_string(settings.network));
        conf += fmt::format("    right=%any\n    rightid={}\n", identity_of(user.identification));
        conf += fmt::format("    rightaddresspool={}\n    rightmodecfgclient=yes\n", range_of(settings.pool));
        if (!settings.dns.empty()) conf += fmt::format("    modecfgdns=\"{}\"\n", joined(settings.dns));
        conf += '\n';
    }
    return with_credentials(std::move(conf), settings.common, places);
}

}  // namespace gatelab::sim::peers
