// Two links on a line that loses, repeats and reorders.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/impl/ppp/pair.h"

namespace gatelab::ppp::test {
namespace {

WireQuality any_quality() {
    return {.loss = *rc::gen::inRange(0, 50) / 100.0,
            .repetition = *rc::gen::inRange(0, 40) / 100.0,
            .delay = milliseconds(*rc::gen::inRange(1, 200)),
            .jitter = milliseconds(*rc::gen::inRange(0, 2000))};
}

Authentication any_method() { return *rc::gen::element(Authentication::Pap, Authentication::MsChapV2); }

bool settled(const Pair& pair) {
    const auto open = [](const End& end) { return end.phase() == Phase::Open; };
    return (open(pair.client) && open(pair.server)) || (pair.client.closed() && pair.server.closed());
}

RC_GTEST_PROP(LossyLine, OpensBothEndsOrClosesBoth, ()) {
    const auto method = any_method();
    Pair pair{client_options(method), server_options(method), *rc::gen::inRange<std::uint64_t>(1, 1'000'000),
              any_quality()};
    pair.start();
    // On the worst of lines: 40 requests of LCP, 3 s apart, for each of 10 restarts.
    RC_ASSERT(pair.run_until([&] { return settled(pair); }, minutes(20)));
    RC_ASSERT(pair.sent.size() < 1000u);
    if (pair.client.phase() == Phase::Open) {
        RC_ASSERT(pair.client.session.status().agreed == pair.server.session.status().agreed);
    }
    RC_CLASSIFY(pair.client.phase() == Phase::Open, "open");
}

RC_GTEST_PROP(LossyLine, OpensNearlyAlwaysWhenLittleIsLost, ()) {
    const auto method = any_method();
    Pair pair{client_options(method),
              server_options(method),
              *rc::gen::inRange<std::uint64_t>(1, 1'000'000),
              {.loss = 0.1, .delay = milliseconds(20)}};
    RC_ASSERT(pair.connect());
}

RC_GTEST_PROP(LossyLine, ClosesBothEndsWhenOneIsAsked, ()) {
    const auto quality = any_quality();
    Pair pair{client_options(), server_options(), *rc::gen::inRange<std::uint64_t>(1, 1'000'000), quality};
    pair.start();
    pair.run_for(milliseconds(*rc::gen::inRange(0, 60'000)));
    pair.call([&] { (*rc::gen::arbitrary<bool>() ? pair.client : pair.server).session.close(pair.now); });
    RC_ASSERT(pair.run_until([&] { return pair.client.closed() && pair.server.closed(); }, minutes(5)));
}

// Anything at all to a link in any phase: it says something sensible or nothing, and its time stays bounded.
RC_GTEST_PROP(AnyFrames, NeitherCrashNorKeepALinkFromClosing, ()) {
    Lone lone{*rc::gen::arbitrary<bool>() ? server_options(Authentication::Pap) : client_options(Authentication::Pap)};
    switch (*rc::gen::inRange(0, 4)) {
        case 0: lone.start(); break;
        case 1: lone.to_authenticate(); break;
        case 2: lone.to_network(); break;
        default: lone.to_open();
    }
    const auto count = *rc::gen::inRange(1, 60);
    for (int i = 0; i < count && !lone.end.closed(); ++i) {
        const auto protocol = *rc::gen::element(Protocol::Lcp, Protocol::Ipcp, Protocol::Pap, Protocol::Chap,
                                                Protocol::Ipv4, Protocol::Ccp);
        const auto code = *rc::gen::inRange<std::uint8_t>(0, 15);
        const auto identifier = *rc::gen::inRange<std::uint8_t>(0, 12);
        lone.feed(protocol, code, identifier, *rc::gen::arbitrary<Bytes>());
        if (*rc::gen::inRange(0, 5) == 0) lone.wait(seconds(*rc::gen::inRange(0, 10)));
    }
    if (lone.end.closed()) return;
    lone.call([&] { lone.end.session.close(lone.now); });
    lone.wait(seconds(20));
    RC_ASSERT(lone.end.closed().has_value());
}

}  // namespace
}  // namespace gatelab::ppp::test
