#include <algorithm>

#include "topologies/yaml/read_openvpn.h"
#include "topologies/yaml/read_sstp.h"
#include "topologies/yaml/sections.h"

namespace gatelab::topologies {
namespace {

const Choices<Implementation> kImplementations{
    {"gatelab", Implementation::Gatelab},     {"strongswan", Implementation::StrongSwan},
    {"libreswan", Implementation::Libreswan}, {"openvpn", Implementation::OpenVpn},
    {"softether", Implementation::SoftEther}, {"sstp-client", Implementation::SstpClient},
    {"absent", Implementation::Absent}};
const Choices<Tunnel> kTunnels{{"ikev2", Tunnel::IkeV2}, {"openvpn", Tunnel::OpenVpn}, {"sstp", Tunnel::Sstp}};
const Choices<Personality> kPersonalities = [] {
    Choices<Personality> all;
    for (const auto one : {Personality::Gatelab, Personality::Windows, Personality::MacOs, Personality::Ios,
                           Personality::StrongSwan, Personality::OpenVpnClient, Personality::AzureVpnClient})
        all.emplace_back(name_of(one), one);
    return all;
}();

// The keys that clients and a gateway's point_to_site share.
template <class Kind>
void read_tunnel_options(Form& form, Kind& kind) {
    form.text("pre_shared_key", kind.pre_shared_key);
    form.texts("ike_policy", kind.ike_policy);
    form.texts("ipsec_policy", kind.ipsec_policy);
    form.duration("ike_lifetime", kind.ike_lifetime);
    form.duration("child_lifetime", kind.child_lifetime);
    form.duration("liveness", kind.liveness);
}

// Names and their passwords, as one map.
void read_users(Form& form, Draft& draft, std::vector<User>& users) {
    const auto* value = form.take("users");
    if (!value) return;
    Form inner{*value, fmt::format("users of {}", form.what()), draft.problems};
    for (const auto& entry : value->entries) {
        User user{entry.key, {}};
        inner.text(entry.key, user.password);
        form.remember("users." + entry.key, entry.mark);
        users.push_back(std::move(user));
    }
}

void read_client(Draft& draft, Form& form, const std::string& name) {
    Client client;
    client.connect_at = std::chrono::milliseconds(500);
    form.require("address", "198.51.100.10");
    form.address("address", client.address);
    form.text("gateway", client.gateway);
    form.choice("implementation", client.implementation, kImplementations);
    read_tunnel_options(form, client);
    if (!client.pre_shared_key.empty()) client.authentication = Authentication::PreSharedKey;
    form.choice("authentication", client.authentication,
                {{"certificate", Authentication::Certificate},
                 {"psk", Authentication::PreSharedKey},
                 {"password", Authentication::Password}});
    form.text("certificate", client.certificate);
    form.text("identification", client.identification);
    form.duration("connect_at", client.connect_at, "never");
    form.prefixes("remote_selectors", client.remote_selectors);
    form.choices("tunnels", client.tunnels, kTunnels);
    form.choice("personality", client.personality, kPersonalities);
    form.flag("reconnects", client.reconnects);
    form.duration("give_up_after", client.give_up_after, "by its personality");
    form.text("username", client.username);
    form.text("password", client.password);
    form.text("http_proxy", client.http_proxy);
    form.text("http_proxy_username", client.http_proxy_username);
    form.text("http_proxy_password", client.http_proxy_password);
    read_openvpn_client(draft, form, client.openvpn);
    read_sstp_client(draft, form, client.sstp);
    add_read_node(draft, form, name, std::move(client));
}

void read_gateway(Draft& draft, Form& form, const std::string& name) {
    Gateway gateway;
    form.require("public_address", "203.0.113.10");
    form.address("public_address", gateway.public_address);
    form.text("virtual_network", gateway.virtual_network);
    form.address("inside_address", gateway.inside_address);
    form.choice("implementation", gateway.implementation, kImplementations);
    form.text("server_name", gateway.server_name);
    form.text("certificate", gateway.certificate);
    if (form.require("point_to_site", "{address_pool: 172.16.201.0/24}")) {
        const auto* value = form.take("point_to_site");
        Form inner{*value, fmt::format("point_to_site of {}", form.what()), draft.problems};
        inner.require("address_pool", "172.16.201.0/24");
        inner.prefix("address_pool", gateway.client_address_pool);
        inner.texts("root_certificates", gateway.root_certificates);
        inner.addresses("dns_servers", gateway.dns_servers);
        inner.prefixes("custom_routes", gateway.custom_routes);
        inner.choices("tunnel_types", gateway.tunnels, kTunnels);
        read_users(inner, draft, gateway.users);
        read_openvpn_gateway(draft, inner, gateway.openvpn);
        read_sstp_gateway(draft, inner, gateway.sstp);
        read_tunnel_options(inner, gateway);
        inner.finish();
        for (const auto& [field, mark] : inner.field_marks()) form.remember(field, mark);
    }
    add_read_node(draft, form, name, std::move(gateway));
}

void read_network(Draft& draft, Form& form, const std::string& name) {
    VirtualNetwork network;
    form.require("address_space", "[10.1.0.0/16]");
    form.prefixes("address_space", network.address_space);
    if (const auto* value = form.take("subnets")) {
        Form inner{*value, fmt::format("subnets of {}", form.what()), draft.problems};
        for (const auto& entry : value->entries) {
            std::optional<Prefix> prefix;
            inner.prefix(entry.key, prefix);
            form.remember("subnets." + entry.key, entry.value->mark);
            if (!prefix)
                inner.require(entry.key, "10.1.0.0/24");
            else if (entry.key == "GatewaySubnet")
                network.gateway_subnet = prefix;
            else
                network.subnets.push_back({entry.key, *prefix});
        }
    }
    add_read_node(draft, form, name, std::move(network));
}

void read_machine(Draft& draft, Form& form, const std::string& name) {
    VirtualMachine machine;
    form.require("address", "10.1.0.4");
    form.address("address", machine.address);
    form.text("virtual_network", machine.virtual_network);
    add_read_node(draft, form, name, std::move(machine));
}

void read_http_proxy(Draft& draft, Form& form, const std::string& name) {
    HttpProxy proxy;
    form.require("address", "192.168.1.2");
    form.address("address", proxy.address);
    form.number("port", proxy.port, 1, 65535);
    read_users(form, draft, proxy.users);
    form.ports("allowed_ports", proxy.allowed_ports);
    add_read_node(draft, form, name, std::move(proxy));
}

}  // namespace

void add_read_node(Draft& draft, Form& form, const std::string& name, NodeKind kind) {
    Duration processing_delay{};
    form.duration("processing_delay", processing_delay);
    add_node(draft.topology, {name, std::move(kind), form.mark(), form.field_marks(), processing_delay});
}

void read_nodes(Form& top, Draft& draft) {
    using Read = void (*)(Draft&, Form&, const std::string&);
    struct Section {
        std::string_view key, noun;
        Read read;
    };
    const Section sections[] = {
        {"clients", "client", read_client},
        {"routers", "router",
         [](Draft& to, Form& form, const std::string& name) { add_read_node(to, form, name, Router{}); }},
        {"firewalls", "firewall", read_firewall},
        {"nats", "nat", read_nat},
        {"http_proxies", "HTTP proxy", read_http_proxy},
        {"gateways", "gateway", read_gateway},
        {"virtual_networks", "virtual network", read_network},
        {"virtual_machines", "virtual machine", read_machine},
    };
    for (const auto& section : sections)
        for_each_entry(top, section.key, section.noun, false, draft,
                       [&](Form& form, const std::string& name) { section.read(draft, form, name); });
}

}  // namespace gatelab::topologies
