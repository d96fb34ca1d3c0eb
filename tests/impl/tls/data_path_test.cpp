#include <gtest/gtest.h>

#include "tests/impl/tls/pair.h"
#include "tests/support/counted_heap.h"

namespace gatelab::tls {
namespace {

Options only(Options options, Version version) {
    options.policy.minimum = options.policy.maximum = version;
    return options;
}

struct TlsDataPath : testing::TestWithParam<Version> {
    void SetUp() override {
        pair.run();
        ASSERT_TRUE(pair.established());
    }
    Bytes sealed(ByteView plaintext) {
        Bytes records;
        EXPECT_TRUE(pair.client.engine.seal(kNow, plaintext, [&](ByteView view) { append(records, view); }));
        return records;
    }
    Pair pair{only(client_options(), GetParam()), only(server_options(), GetParam())};
};
INSTANTIATE_TEST_SUITE_P(Tls, TlsDataPath, testing::Values(Version::Tls12, Version::Tls13),
                         [](const auto& of) { return of.param == Version::Tls12 ? "Of12" : "Of13"; });

TEST_P(TlsDataPath, CarriesWhatWasSealedInAnyCut) {
    const Bytes packet(40'000, 7);
    const auto records = sealed(packet);
    for (const std::size_t cut : {1, 5, 1000, 16'389, 50'000}) {
        Bytes got;
        // Each cut needs records of its own: they have sequence numbers.
        const auto again = cut == 1 ? records : sealed(packet);
        for (std::size_t at = 0; at < again.size(); at += cut)
            pair.server.engine.open(kNow, ByteView{again}.subspan(at, std::min(cut, again.size() - at)),
                                    [&](ByteView view) { append(got, view); });
        EXPECT_EQ(got, packet) << cut;
    }
    EXPECT_TRUE(pair.server.engine.drain().empty());
}

TEST_P(TlsDataPath, MixesWithTheOtherInterface) {
    auto& server = pair.server.engine;
    const auto sealed_records = sealed(as_bytes("a"));
    server.handle_bytes(kNow, sealed_records);
    auto outputs = server.drain();
    ASSERT_EQ(outputs.size(), 1u);
    EXPECT_EQ(as_text(std::get<Engine::Received>(outputs[0]).plaintext), "a");

    pair.client.engine.write(kNow, as_bytes("b"));
    outputs = pair.client.engine.drain();
    std::string got;
    server.open(kNow, std::get<Engine::Send>(outputs.at(0)).records, [&](ByteView view) { got += as_text(view); });
    EXPECT_EQ(got, "b");
}

TEST_P(TlsDataPath, TellsOfTheEndThroughDrain) {
    pair.client.engine.close(kNow);
    const auto farewell = pair.client.engine.drain();
    pair.server.engine.open(kNow, std::get<Engine::Send>(farewell.at(0)).records, [](ByteView) { FAIL(); });
    const auto outputs = pair.server.engine.drain();
    EXPECT_EQ(std::get<Engine::Closed>(outputs.back()).reason, CloseReason::PeerClosed);
    EXPECT_FALSE(pair.server.engine.seal(kNow, as_bytes("x"), [](ByteView) { FAIL(); }));
}

TEST_P(TlsDataPath, RefusesAForgedRecord) {
    auto records = sealed(Bytes(100, 1));
    records[50] ^= 1;
    pair.server.engine.open(kNow, records, [](ByteView) { FAIL(); });
    EXPECT_EQ(std::get<Engine::Closed>(pair.server.engine.drain().back()).reason, CloseReason::Protocol);
}

TEST_P(TlsDataPath, SealsNothingBeforeTheHandshakeEnds) {
    Pair fresh;
    EXPECT_FALSE(fresh.client.engine.seal(kNow, as_bytes("x"), [](ByteView) { FAIL(); }));
}

// OpenSSL itself takes a few structures of 40 octets for a record (WPACKET) and gives them back: with TLS 1.2 to write
// one, with TLS 1.3 for its additional data too. Nothing but a record layer of our own would change that.
struct TakenByOpenSsl {
    std::size_t sealing, opening;
};
constexpr TakenByOpenSsl kTaken12{2, 0}, kTaken13{4, 2};

TEST_P(TlsDataPath, TakesNothingOfItsOwnFromTheHeapPerRecord) {
    const Bytes packet(1400, 7);
    Bytes records;
    records.reserve(2000);
    std::size_t got = 0, outputs = 0;
    const auto seal = [&] {
        records.clear();
        pair.client.engine.seal(kNow, packet, [&](ByteView view) { append(records, view); });
        // An empty drain is how an owner asks whether there is something.
        outputs += pair.client.engine.drain().size();
    };
    const auto open = [&] {
        pair.server.engine.open(kNow, records, [&](ByteView view) { got += view.size(); });
        outputs += pair.server.engine.drain().size();
    };
    std::size_t sealing = 0, opening = 0;
    constexpr std::size_t kWarmUp = 20, kRecords = 1000;
    for (std::size_t i = 0; i < kWarmUp + kRecords; ++i) {
        {
            const HeapCount heap;
            seal();
            if (i >= kWarmUp) sealing += heap.allocations();
        }
        const HeapCount heap;
        open();
        if (i >= kWarmUp) opening += heap.allocations();
    }
    const auto taken = GetParam() == Version::Tls12 ? kTaken12 : kTaken13;
    EXPECT_LE(sealing, kRecords * taken.sealing);
    EXPECT_LE(opening, kRecords * taken.opening);
    EXPECT_EQ(outputs, 0u);
    EXPECT_EQ(got, (kWarmUp + kRecords) * packet.size());
}

}  // namespace
}  // namespace gatelab::tls
