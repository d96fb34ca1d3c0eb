#include "conformance/suites/sstp-deviations/trials.h"

#include <fmt/format.h>

#include <algorithm>

namespace gatelab::conformance::sstp_deviations {

using namespace std::chrono_literals;
using namespace ppp_number;
using sstp::MessageType;
using topologies::Topology;

namespace {

constexpr Ipv4Address kPushedAddress{10, 60, 0, 2}, kRogueInside{10, 60, 0, 1};
constexpr Duration kLastWords = 5s;  // of an abort

Topology rogue_client_world(const Pair& pair, const Tweak& tweak) {
    auto topology = with_rogue_client(sstp_access(pair));
    client_of(topology, "bob").username = "bob";
    gateway_of(topology).users.push_back({"bob", kSstpPassword});
    if (tweak) tweak(topology);
    return topology;
}

Topology rogue_server_world(const Pair& pair, const Tweak& tweak) {
    auto topology = with_rogue_gateway(sstp_access(pair));
    if (tweak) tweak(topology);
    return topology;
}

std::string told(const std::vector<sstp::StatusInfo>& statuses) {
    std::string text;
    for (const auto& one : statuses)
        text += fmt::format("{}{} of attribute {}", text.empty() ? "" : ", ", sstp::name_of(one.status), one.attribute);
    return text.empty() ? "no status" : text;
}

}  // namespace

template <class Kind>
SstpRogueOptions SstpTrial<Kind>::options_of(bool client) const {
    SstpRogueOptions options;
    options.client = client;
    options.tls.policy = tls::any_policy();
    options.tls.policy.maximum = tls::Version::Tls12;
    if (client)
        options.tls.roots = this->trust(kServerRoot);
    else
        options.tls.identity = this->identity(kServerName);
    options.host = kServerName;
    options.ppp.name = "alice";
    options.ppp.password = kSstpPassword;
    options.ppp.own = kRogueInside;
    options.ppp.peers = kPushedAddress;
    options.ppp.dns = {kDnsAddress};
    return options;
}

template <class Kind>
void SstpTrial<Kind>::replace(MessageType type, std::function<std::vector<Bytes>(Bytes)> instead) {
    peer().hooks.control = [type, instead = std::move(instead), done = false](const sstp::Message& message,
                                                                              Bytes packet) mutable {
        if (done || message.type != type) return std::vector<Bytes>{packet};
        done = true;
        return instead(std::move(packet));
    };
}

template <class Kind>
bool SstpTrial<Kind>::awaits(const std::string& what, const std::function<bool()>& condition, Duration limit) {
    const bool held = this->wait(condition, limit);
    return this->context_.expect(held, what, held ? "so it is" : node_->ended());
}

template <class Kind>
bool SstpTrial<Kind>::expect_aborted(const std::string& because_of, std::optional<sstp::StatusCode> status,
                                     Duration limit) {
    this->wait([&] { return peer().heard(MessageType::CallAbort) > 0 || node_->was_closed(); }, limit);
    const auto statuses = peer().statuses(MessageType::CallAbort);
    const bool aborted = peer().heard(MessageType::CallAbort) > 0;
    const bool fits = !status || std::ranges::any_of(statuses, [&](const auto& one) { return one.status == *status; });
    if (!this->context_.expect(aborted && fits,
                               fmt::format("{} says Call Abort{} because of {}", this->honest_side(),
                                           status ? fmt::format(", {},", sstp::name_of(*status)) : "", because_of),
                               aborted ? told(statuses) : node_->ended()))
        return false;
    return this->expect_hung_up(because_of, kLastWords);
}

template <class Kind>
bool SstpTrial<Kind>::expect_cut(const std::string& because_of, Duration limit) {
    if (!this->expect_hung_up(because_of, limit)) return false;
    const auto aborts = peer().heard(MessageType::CallAbort);
    return this->context_.expect(aborts == 0, "no Call Abort comes before that", times(aborts));
}

template class SstpTrial<ClientTrial>;
template class SstpTrial<ServerTrial>;

RogueClient::RogueClient(Context& context, Topology topology) : SstpTrial(context, std::move(topology)) {
    node_ = RogueSstpNode::client(context.scenario().host("alice"), options_of(true), {kGatewayAddress, kSstpPort});
}

bool RogueClient::dial_to_answer() {
    peer().hooks.control = [](const sstp::Message& message, Bytes packet) -> std::vector<Bytes> {
        if (message.type == MessageType::CallConnectRequest) return {};
        return {packet};
    };
    node_->dial();
    const bool answered =
        awaits("the gateway answers the HTTP request with 200", [&] { return peer().http_status() == 200; });
    peer().hooks.control = nullptr;
    return answered;
}

bool RogueClient::dial_to_ack() {
    peer().hooks.starts_ppp = false;
    node_->dial();
    return awaits("the gateway acknowledges the Call Connect Request",
                  [&] { return peer().binding_request().has_value(); });
}

bool RogueClient::dial_to_lcp() {
    // Challenges come again and again, and stay without a response.
    ppp().hooks.take = [](const PppPacket& packet) { return packet.protocol != kChap || packet.code != kChallenge; };
    node_->dial();
    return awaits("the gateway opens the link and sends a challenge",
                  [&] { return ppp().lcp_open() && ppp().heard(kChap, kChallenge) > 0; });
}

bool RogueClient::dial_to_proof() {
    peer().hooks.sends_connected = false;
    node_->dial();
    return awaits("the gateway takes the user's proof", [&] { return ppp().authenticated(); });
}

bool RogueClient::expect_no_session() {
    const auto sessions = context_.gateway().sessions().size();
    return context_.expect(sessions == 0, "the gateway has no session", fmt::format("{}", sessions));
}

void RogueClient::expect_refused_and_bob_served(const std::string& because_of, Duration limit) {
    expect_refused(because_of, limit);
    expect_honest_client();
}

RogueServer::RogueServer(Context& context, Topology topology) : SstpTrial(context, std::move(topology)) {
    node_ = RogueSstpNode::server(context.scenario().host("gateway"), options_of(false), kSstpPort);
}

Case against_gateway(std::string id, std::string requirement, std::string sentence, void (*check)(RogueClient&),
                     Tweak tweak, std::vector<Need> needs) {
    return trial_of(
        Side::Gateway, std::move(id), std::move(requirement), std::move(sentence), check,
        [tweak](const Pair& pair) { return rogue_client_world(pair, tweak); }, std::move(needs));
}

Case against_client(std::string id, std::string requirement, std::string sentence, void (*check)(RogueServer&),
                    std::vector<Need> needs, Tweak tweak) {
    return trial_of(
        Side::Client, std::move(id), std::move(requirement), std::move(sentence), check,
        [tweak](const Pair& pair) { return rogue_server_world(pair, tweak); }, std::move(needs));
}

Bytes control_packet(std::uint16_t type, std::uint16_t count, ByteView attributes) {
    ByteWriter writer;
    writer.u8(sstp::kVersion).u8(1).u16(static_cast<std::uint16_t>(8 + attributes.size()));
    return writer.u16(type).u16(count).bytes(attributes).take();
}

Bytes attribute(std::uint8_t id, ByteView value) {
    return ByteWriter{}.u8(0).u8(id).u16(static_cast<std::uint16_t>(4 + value.size())).bytes(value).take();
}

}  // namespace gatelab::conformance::sstp_deviations
