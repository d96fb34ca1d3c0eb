#include "sim/peers/charon_keys.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>

#include "impl/ikev2/policy.h"

namespace gatelab::sim::peers {
namespace {

// "02:28:24.422 16[IKE] <home|1> Sk_ei secret => 36 bytes @ 0x55f1d9727d50"
struct Line {
    std::string_view thread, text;
    std::uint32_t sa = 0;
};

std::uint32_t number_of(std::string_view text, int base = 10) {
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

std::optional<Line> parse_line(std::string_view text) {
    const auto thread = text.find(' '), group = text.find('['), tag = text.find('<'), end = text.find("> ");
    if (thread > group || group > tag || tag > end || end == std::string_view::npos) return std::nullopt;
    auto name = text.substr(tag + 1, end - tag - 1);
    if (const auto bar = name.rfind('|'); bar != std::string_view::npos) name.remove_prefix(bar + 1);
    return Line{text.substr(thread + 1, group - thread - 1), text.substr(end + 2), number_of(name)};
}

// "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384", "AES_CBC_256/HMAC_SHA1_96/NO_EXT_SEQ": charon joins the key length with
// an underscore and always speaks of sequence numbers.
std::string row_of(std::string_view proposal) {
    std::string row{proposal};
    const auto cipher = row.find('/');
    if (const auto joint = row.rfind('_', cipher); joint != std::string::npos) row[joint] = '-';
    if (const auto at = row.find("/NO_EXT_SEQ"); at != std::string::npos) row.erase(at);
    if (const auto at = row.find("/EXT_SEQ"); at != std::string::npos) row.replace(at, std::string::npos, "/ESN");
    return row;
}

class KeyReader {
public:
    explicit KeyReader(const SpisByNumber& listed) : listed_(listed) {}

    void read(const Line& line) {
        if (continue_dump(line)) return;
        auto& exchange = exchanges_[line.sa];
        if (const auto rest = after(line.text, "selected proposal: IKE:")) {
            exchange.ike_row = row_of(*rest);
        } else if (const auto esp = after(line.text, "selected proposal: ESP:")) {
            exchange.esp_row = row_of(*esp);
        } else if (line.text.starts_with("parsed ")) {
            // Whoever parses a response began the exchange.
            exchange.initiator = line.text.find(" response ") != std::string_view::npos;
        } else if (line.text.find("] rekeyed between ") != std::string_view::npos) {
            note_rekeyed(line);
        } else if (const auto spi = after(line.text, "  SPI 0x")) {
            note_spi(exchange, number_of(spi->substr(0, 8), 16));
        } else if (line.text.starts_with("adding inbound ESP")) {
            exchange.inbound = true;
        } else if (line.text.starts_with("adding outbound ESP")) {
            exchange.inbound = false;
        } else {
            begin_dump(line);
        }
    }

    LoggedKeys finish() {
        for (auto& block : blocks_) {
            const auto found = listed_.find(block.sa);
            auto spis = found == listed_.end() ? IkeSpis{} : found->second;
            if (spis.responder == 0 && block.first) spis = exchanges_[block.sa].spis;
            if (spis.responder == 0) continue;
            block.keys.spi_i = spis.initiator;
            block.keys.spi_r = spis.responder;
            keys_.ike.push_back(std::move(block.keys));
        }
        return std::move(keys_);
    }

private:
    struct Exchange {  // what the log told about an IKE SA so far
        std::string ike_row, esp_row;
        IkeSpis spis;
        bool initiator = false, inbound = false;
        std::map<std::string, Bytes, std::less<>> secrets;  // by charon's name
        std::size_t blocks = 0;
    };
    struct Block {  // one set of IKE keys
        std::uint32_t sa;
        bool first;
        ikev2::SaKeys keys;
    };
    struct Dump {
        std::uint32_t sa;
        std::string name;
        std::size_t size;
        Bytes bytes;
    };

    static std::optional<std::string_view> after(std::string_view text, std::string_view start) {
        if (!text.starts_with(start)) return std::nullopt;
        return text.substr(start.size());
    }

    void begin_dump(const Line& line) {
        const auto arrow = line.text.find(" => ");
        if (arrow == std::string_view::npos) return;
        dumps_[std::string{line.thread}] =
            Dump{line.sa, std::string{line.text.substr(0, arrow)}, number_of(line.text.substr(arrow + 4)), {}};
    }

    // "  16: DA 40 F4 ...  .@."; threads write in turns, each dump is one thread's.
    bool continue_dump(const Line& line) {
        const auto found = dumps_.find(line.thread);
        if (found == dumps_.end()) return false;
        auto& dump = found->second;
        const auto colon = line.text.find(": ");
        const auto here = std::min<std::size_t>(16, dump.size - dump.bytes.size());
        std::optional<Bytes> octets;
        if (colon != std::string_view::npos && line.sa == dump.sa)
            if (auto parsed = from_hex(line.text.substr(colon + 2, here * 3 - 1))) octets = std::move(*parsed);
        if (!octets || octets->size() != here) {
            dumps_.erase(found);
            return false;
        }
        append(dump.bytes, *octets);
        if (dump.bytes.size() == dump.size) {
            auto whole = std::move(dump);
            dumps_.erase(found);
            note_dump(std::move(whole));
        }
        return true;
    }

    void note_dump(Dump dump) {
        auto& exchange = exchanges_[dump.sa];
        if (dump.name == "natd_chunk") {
            // RFC 7296 section 2.23: the SPIs, then address and port.
            ByteReader reader{dump.bytes};
            const IkeSpis spis{reader.u64(), reader.u64()};
            if (spis.responder != 0) exchange.spis = spis;
        } else if (dump.name == "Sk_pi secret") {  // comes after all that we want
            end_block(dump.sa, exchange);
        } else {
            exchange.secrets[dump.name] = std::move(dump.bytes);
        }
    }

    static Bytes take(Exchange& exchange, std::string_view name) {
        const auto found = exchange.secrets.find(name);
        if (found == exchange.secrets.end()) return {};
        auto bytes = std::move(found->second);
        exchange.secrets.erase(found);
        return bytes;
    }

    void end_block(std::uint32_t sa, Exchange& exchange) {
        const auto suite = ikev2::parse_ike_suite(exchange.ike_row);
        ikev2::SaKeys keys;
        keys.sk_ei = take(exchange, "Sk_ei secret");
        keys.sk_er = take(exchange, "Sk_er secret");
        keys.sk_ai = take(exchange, "Sk_ai secret");
        keys.sk_ar = take(exchange, "Sk_ar secret");
        const bool first = exchange.blocks++ == 0;
        if (!suite || keys.sk_ei.empty() || keys.sk_er.empty()) return;
        keys.suite = *suite;
        blocks_.push_back({sa, first, std::move(keys)});
    }

    // "IKE_SA home[2] rekeyed between ...": the newest keys of the old SA are those of number 2.
    void note_rekeyed(const Line& line) {
        const auto open = line.text.find('[');
        const auto number = number_of(line.text.substr(open + 1));
        const auto block = std::find_if(blocks_.rbegin(), blocks_.rend(),
                                        [&](const Block& one) { return one.sa == line.sa && !one.first; });
        if (block == blocks_.rend()) return;
        block->sa = number;
        exchanges_[number].blocks = 1;
        exchanges_[number].ike_row = exchanges_[line.sa].ike_row;
    }

    // The inbound keys are ours to read with: what the other side of the exchange encrypts.
    void note_spi(Exchange& exchange, std::uint32_t spi) {
        const auto suite = ikev2::parse_child_suite(exchange.esp_row);
        if (!suite) return;
        const bool by_initiator = exchange.inbound != exchange.initiator;
        const std::string whose = by_initiator ? "initiator" : "responder";
        esp::Parameters parameters;
        parameters.spi = esp::Spi{spi};
        parameters.suite = suite->esp;
        parameters.encryption_key = take(exchange, "encryption " + whose + " key");
        parameters.integrity_key = take(exchange, "integrity " + whose + " key");
        if (!parameters.encryption_key.empty()) keys_.esp.push_back(std::move(parameters));
    }

    const SpisByNumber& listed_;
    LoggedKeys keys_;
    std::vector<Block> blocks_;
    std::map<std::uint32_t, Exchange> exchanges_;
    std::map<std::string, Dump, std::less<>> dumps_;  // by thread
};

}  // namespace

LoggedKeys keys_in(std::string_view log, const SpisByNumber& listed) {
    KeyReader reader{listed};
    while (!log.empty()) {
        const auto end = log.find('\n');
        if (const auto line = parse_line(log.substr(0, end))) reader.read(*line);
        log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    }
    return reader.finish();
}

}  // namespace gatelab::sim::peers
