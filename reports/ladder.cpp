#include "reports/ladder.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace gatelab::reports {
namespace {

using json = nlohmann::ordered_json;  // attributes keep the order in which they were told

constexpr std::size_t kMostMessages = 300, kMostNotes = 200;

std::string address_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

// One of the two may have counted the non-ESP marker of port 4500.
bool same_size(std::int64_t a, std::int64_t b) { return a == b || a + 4 == b || b + 4 == a; }

// Joins what a sender and a receiver told about the same message.
class Joiner {
public:
    void take(const json& event) {
        const auto name = event.at("event").get<std::string>();
        if (name == "message-sent")
            sent(event);
        else if (name == "message-received")
            received(event);
        else
            note(event);
    }

    Ladder finish() {
        for (std::size_t i = 0; i < ladder_.messages.size(); ++i) {
            auto& message = ladder_.messages[i];
            const auto other = name_of(remote_[i]);
            if (message.to.empty()) message.to = other;
            if (message.from.empty()) message.from = other;
            // Of what reaches a real program nobody tells: taken for arrived.
            if (message.arrived < 0 && !listeners_.contains(message.to)) message.arrived = message.sent;
        }
        return std::move(ladder_);
    }

private:
    // The node at an outer address, as far as the log tells: the only real program must be where nobody else is.
    std::string name_of(const std::string& address) const {
        const auto known = node_at_.find(address);
        if (known != node_at_.end()) return known->second;
        return real_.size() == 1 ? *real_.begin() : address;
    }

    bool full() {
        ladder_.cut = ladder_.cut || ladder_.messages.size() == kMostMessages;
        return ladder_.messages.size() == kMostMessages;
    }

    LadderMessage message_of(const json& event) {
        const auto& attributes = event.at("attributes");
        LadderMessage message;
        message.sent = event.at("t");
        message.exchange = attributes.value("exchange", "");
        message.id = attributes.value("message_id", std::int64_t{0});
        message.response = attributes.value("response", false);
        message.repeated = attributes.value("retransmission", false);
        message.payloads = attributes.value("payloads", "");
        return message;
    }

    void add(LadderMessage message, const json& event) {
        ladder_.messages.push_back(std::move(message));
        const auto& attributes = event.at("attributes");
        remote_.push_back(address_of(attributes.value("remote", "")));
        size_.push_back(attributes.value("size", std::int64_t{0}));
        initiator_.push_back(attributes.value("initiator", false));
    }

    void sent(const json& event) {
        if (full()) return;
        auto message = message_of(event);
        message.from = event.at("node");
        add(std::move(message), event);
    }

    void received(const json& event) {
        const auto message = message_of(event);
        const auto node = event.at("node").get<std::string>();
        listeners_.insert(node);
        const auto& attributes = event.at("attributes");
        // The newest first: of a message and its repetition, the earlier was lost.
        for (std::size_t i = ladder_.messages.size(); i-- > 0;) {
            auto& other = ladder_.messages[i];
            if (other.arrived >= 0 || other.from == node || other.from.empty() || other.exchange != message.exchange ||
                other.id != message.id || other.response != message.response ||
                initiator_[i] != attributes.value("initiator", false) ||
                !same_size(size_[i], attributes.value("size", std::int64_t{0})))
                continue;
            other.arrived = message.sent;
            other.to = node;
            node_at_[remote_[i]] = node;
            node_at_[address_of(attributes.value("remote", ""))] = other.from;
            return;
        }
        if (full()) return;
        auto alone = message;  // a real program sent it, which keeps no such log
        alone.arrived = alone.sent;
        alone.to = node;
        add(std::move(alone), event);
    }

    void note(const json& event) {
        if (event.at("component") == "strongswan") real_.insert(event.at("node").get<std::string>());
        if (ladder_.notes.size() == kMostNotes) {
            ladder_.cut = true;
            return;
        }
        std::string text;
        for (const auto& [key, value] : event.at("attributes").items())
            text +=
                (text.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.get<std::string>() : value.dump());
        ladder_.notes.push_back({event.at("t"), event.at("node"), event.at("event"), std::move(text)});
    }

    Ladder ladder_;
    std::vector<std::string> remote_;  // beside messages: the address at the other end, as the teller saw it
    std::vector<std::int64_t> size_;
    std::vector<bool> initiator_;
    std::map<std::string, std::string> node_at_;
    std::set<std::string> listeners_, real_;  // nodes that tell what they receive; real programs
};

}  // namespace

Ladder read_ladder(std::istream& in) {
    Joiner joiner;
    for (std::string line; std::getline(in, line);) {
        const auto event = json::parse(line, nullptr, false);
        if (event.is_discarded()) continue;
        try {
            joiner.take(event);
        } catch (const json::exception&) {
            continue;
        }
    }
    return joiner.finish();
}

Ladder read_ladder(const std::filesystem::path& path) {
    std::ifstream in(path);
    return read_ladder(in);
}

}  // namespace gatelab::reports
