#include "sim/peers/uml/vhost_user_net.h"

#include <gmock/gmock.h>

#include "tests/sim/peers/uml/event_clock.h"
#include "tests/sim/peers/uml/fake_driver.h"
#include "tests/sim/peers/uml/fake_guest.h"

namespace gatelab::sim::peers::uml {
namespace {

using ::testing::HasSubstr;
using Descriptor = FakeDriver::Descriptor;

Bytes frame_of(std::size_t size, std::uint8_t first = 1) {
    Bytes frame(size);
    for (std::size_t i = 0; i < size; ++i) frame[i] = static_cast<std::uint8_t>(first + i);
    return frame;
}

class NetworkCard : public ::testing::Test, public CardOwner {
protected:
    NetworkCard() {
        std::string name;
        auto listener = listen_somewhere(name);
        card.emplace(*this, MacAddress{2, 0, 0, 0, 0, 7}, std::move(listener));
        card->on_frame([this](ByteView frame) { frames.push_back(copy_of(frame)); });
        driver.emplace(*card, connect_to(name));
        EXPECT_TRUE(driver->connected());
    }
    void set_up() {
        const auto done = driver->set_up();
        ASSERT_TRUE(done) << done.error().detail;
    }

    // CardOwner
    Calendar::State state() const override { return now_is; }
    std::uint64_t runs() const override { return run; }
    Result<void> attend(int) override {
        called.push_back(static_cast<int>(driver->answer_call(verdict).value_or(99)));
        return {};
    }
    Timer call_soon(std::function<void()> call) override { return clock.clock().call_at(clock.now(), std::move(call)); }
    void card_failed(Error error) override { failure = error.detail; }

    EventClock clock;
    std::optional<VhostUserNet> card;
    std::optional<FakeDriver> driver;
    std::vector<Bytes> frames;
    Calendar::State now_is = Calendar::State::Waiting;
    std::uint64_t run = 1, verdict = 0;
    std::vector<int> called;  // queues, in order
    std::string failure;
};

TEST_F(NetworkCard, OffersItsAddressAndNoOffloads) {
    const auto features = driver->say(1);
    std::uint64_t value = 0;
    ASSERT_EQ(features.answer.size(), 20u);
    std::memcpy(&value, features.answer.data() + 12, 8);
    EXPECT_EQ(value, 1ull << 32 | 1ull << 30 | 1ull << 5);
    Bytes question = FakeDriver::words(std::uint32_t{0}, std::uint32_t{6}, std::uint32_t{0});
    question.resize(18);
    const auto config = driver->say(24, question);
    ASSERT_EQ(config.answer.size(), 30u);
    EXPECT_EQ(copy_of(ByteView{config.answer}.last(6)), (Bytes{2, 0, 0, 0, 0, 7}));
}

TEST_F(NetworkCard, CarriesWhatTheGuestSends) {
    set_up();
    EXPECT_TRUE(driver->transmit(frame_of(60)).served);
    EXPECT_TRUE(driver->transmit(frame_of(1514, 9), 1).served);
    EXPECT_THAT(frames, ::testing::ElementsAre(frame_of(60), frame_of(1514, 9)));
    EXPECT_EQ(driver->used_index(1), 2);
    EXPECT_EQ(card->frames_out(), 2u);
}

TEST_F(NetworkCard, JoinsAFrameInPieces) {
    set_up();
    const auto frame = frame_of(100);
    std::memcpy(&driver->at<std::uint8_t>(driver->buffer(1)), frame.data(), 40);
    std::memcpy(&driver->at<std::uint8_t>(driver->buffer(2)), frame.data() + 40, 60);
    driver->descriptor(1, 3) = {driver->buffer(0), 12, FakeDriver::kNext, 5};
    driver->descriptor(1, 5) = {driver->buffer(1), 40, FakeDriver::kNext, 4};
    driver->descriptor(1, 4) = {driver->buffer(2), 60, 0, 0};
    driver->offer(1, 3);
    EXPECT_TRUE(driver->kick().served);
    EXPECT_THAT(frames, ::testing::ElementsAre(frame));
}

TEST_F(NetworkCard, EmptiesTheWholeQueueAtOneKickAndGoesAround) {
    set_up();
    for (int round = 0; round < 5; ++round) {
        for (std::uint16_t i = 0; i < FakeDriver::kEntries; ++i) {
            driver->descriptor(1, i) = {driver->buffer(i), 12 + 60, 0, 0};
            driver->offer(1, i);
        }
        ASSERT_TRUE(driver->kick().served);
    }
    EXPECT_EQ(frames.size(), 5u * FakeDriver::kEntries);
}

TEST_F(NetworkCard, InterruptsForTransmissionInAnEventOfItsOwn) {
    set_up();
    now_is = Calendar::State::Running;
    EXPECT_TRUE(driver->transmit(frame_of(60)).served);
    EXPECT_TRUE(called.empty());
    now_is = Calendar::State::Waiting;
    clock.run_until(clock.now());
    EXPECT_THAT(called, ::testing::ElementsAre(1));
    driver->available_flags(1) = 1;
    EXPECT_TRUE(driver->transmit(frame_of(60), 1).served);
    clock.run_until(clock.now());
    EXPECT_EQ(called.size(), 1u);
}

TEST_F(NetworkCard, HandsTheGuestFramesAndInterruptsIt) {
    set_up();
    driver->offer_room(0);
    EXPECT_TRUE(card->send(frame_of(1514)));
    EXPECT_THAT(called, ::testing::ElementsAre(0));
    EXPECT_EQ(driver->used_index(0), 1);
    EXPECT_EQ(driver->used_length(0, 0), 1526u);
    EXPECT_EQ(driver->at<std::uint8_t>(driver->buffer(0) + 10), 1);
    EXPECT_EQ(std::memcmp(&driver->at<std::uint8_t>(driver->buffer(0) + 12), frame_of(1514).data(), 1514), 0);
}

TEST_F(NetworkCard, InterruptsOncePerRunOfTheGuest) {
    set_up();
    for (std::uint16_t i = 0; i < 4; ++i) driver->offer_room(i);
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_EQ(called.size(), 1u);
    ++run;
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_EQ(called.size(), 2u);
    ++run;
    driver->available_flags(0) = 1;  // it looks by itself
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_EQ(called.size(), 2u);
    EXPECT_EQ(card->frames_in(), 4u);
}

TEST_F(NetworkCard, RefusesWhatItHasNoRoomFor) {
    EXPECT_FALSE(card->send(frame_of(60)));  // not up
    set_up();
    EXPECT_FALSE(card->send(frame_of(60)));
    driver->offer_room(0);
    EXPECT_FALSE(card->send(frame_of(1515)));
    EXPECT_FALSE(card->send(frame_of(13)));
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_FALSE(card->send(frame_of(60)));
    EXPECT_EQ(failure, "");
}

TEST_F(NetworkCard, KeepsAFrameUntilTheGuestWaits) {
    set_up();
    driver->offer_room(0);
    now_is = Calendar::State::Running;
    EXPECT_TRUE(card->send(frame_of(60)));
    EXPECT_EQ(driver->used_index(0), 0);
    now_is = Calendar::State::Waiting;
    clock.run_until(clock.now());
    EXPECT_EQ(driver->used_index(0), 1);
}

TEST_F(NetworkCard, DropsWhatIsNoFrame) {
    set_up();
    driver->descriptor(1, 0) = {driver->buffer(0), 12 + 1515, 0, 0};
    driver->offer(1, 0);
    driver->descriptor(1, 1) = {driver->buffer(1), 20, 0, 0};
    driver->offer(1, 1);
    EXPECT_TRUE(driver->kick().served);
    EXPECT_TRUE(frames.empty());
    EXPECT_EQ(card->dropped(), 2u);
    EXPECT_EQ(driver->used_index(1), 2);
}

TEST_F(NetworkCard, ForgetsQueuesWithTheMemoryThatTheyWereIn) {
    set_up();
    driver->offer_room(0);
    EXPECT_TRUE(driver->say(5, driver->memory_table(), driver->file()).served);
    EXPECT_FALSE(card->send(frame_of(60)));
}

TEST_F(NetworkCard, MissesADriverThatCloses) {
    set_up();
    card->end();
    EXPECT_FALSE(card->send(frame_of(60)));
    EXPECT_EQ(card->descriptor(), -1);
}

TEST_F(NetworkCard, TakesAMessageInPieces) {
    const auto message = FakeDriver::words(std::uint32_t{1}, std::uint32_t{1}, std::uint32_t{0});
    driver->send({message.begin(), message.begin() + 5});
    EXPECT_TRUE(card->serve());
    driver->send({message.begin() + 5, message.end()});
    EXPECT_TRUE(card->serve());
    EXPECT_EQ(driver->say(15).answer.size(), 40u);  // both answers
}

TEST_F(NetworkCard, EndsAGuestThatDoesNotAcceptAnInterrupt) {
    set_up();
    driver->offer_room(0);
    verdict = 1;
    EXPECT_FALSE(card->send(frame_of(60)));
    EXPECT_THAT(failure, HasSubstr("an interrupt that it does not accept"));
}

// What a guest may not say or leave in its memory.
struct Oddity {
    const char* name;
    std::function<FakeDriver::Outcome(FakeDriver&)> act;
    const char* complaint;
};

FakeDriver::Outcome transmit_chain(FakeDriver& driver, std::vector<Descriptor> chain) {
    for (std::uint16_t i = 0; i < chain.size(); ++i) driver.descriptor(1, i) = chain[i];
    driver.offer(1, 0);
    return driver.kick();
}

class OddDriver : public NetworkCard, public ::testing::WithParamInterface<Oddity> {};

TEST_P(OddDriver, IsNamed) {
    set_up();
    const auto outcome = GetParam().act(*driver);
    ASSERT_FALSE(outcome.served);
    EXPECT_THAT(outcome.served.error().detail, HasSubstr("broke the protocol of its network card: "));
    EXPECT_THAT(outcome.served.error().detail, HasSubstr(GetParam().complaint));
    EXPECT_TRUE(frames.empty());
}

constexpr std::uint64_t kEnd = FakeDriver::kBase + FakeDriver::kSize;

INSTANTIATE_TEST_SUITE_P(
    All, OddDriver,
    ::testing::Values(
        Oddity{"Loop",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{driver.buffer(0), 12, 1, 1}, {driver.buffer(1), 60, 1, 0}});
               },
               "does not end"},
        Oddity{"OutsideMemory",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{0x1000, 72, 0, 0}});
               },
               "outside the guest's memory"},
        Oddity{"AcrossTheEnd",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{kEnd - 10, 72, 0, 0}});
               },
               "outside the guest's memory"},
        Oddity{"WrappingAround",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{~0ull - 5, 72, 0, 0}});
               },
               "outside the guest's memory"},
        Oddity{"HugeBuffer",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{driver.buffer(0), ~0u, 0, 0}});
               },
               "outside the guest's memory"},
        Oddity{"NextOutOfRange",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{driver.buffer(0), 12, 1, 16}});
               },
               "descriptor 16 of 16"},
        Oddity{"HeadOutOfRange",
               [](FakeDriver& driver) {
                   driver.offer(1, 999);
                   return driver.kick();
               },
               "descriptor 999 of 16"},
        Oddity{"WrongDirection",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{driver.buffer(0), 72, FakeDriver::kWrite, 0}});
               },
               "the wrong direction"},
        Oddity{"Indirect",
               [](FakeDriver& driver) {
                   return transmit_chain(driver, {{driver.buffer(0), 72, 4, 0}});
               },
               "an indirect descriptor"},
        Oddity{"TooManyAvailable",
               [](FakeDriver& driver) {
                   driver.available_index(1) = 17;
                   return driver.kick();
               },
               "more buffers than"},
        Oddity{"KickOfNoQueue", [](FakeDriver& driver) { return driver.say(35, FakeDriver::u32s(2, 0)); }, "queue 2"},
        Oddity{"OddQueueSize", [](FakeDriver& driver) { return driver.say(8, FakeDriver::u32s(0, 100)); },
               "a queue of 100 entries"},
        Oddity{"QueueOutsideMemory",
               [](FakeDriver& driver) { return driver.say(9, FakeDriver::addresses(0, kEnd - 0x1000)); },
               "a queue outside"},
        Oddity{"MisalignedQueue",
               [](FakeDriver& driver) { return driver.say(9, FakeDriver::addresses(0, FakeDriver::kBase + 1)); },
               "not aligned"},
        Oddity{"ShortAddresses", [](FakeDriver& driver) { return driver.say(9, Bytes(20)); }, "not whole"},
        Oddity{"MemoryBeyondItsFile",
               [](FakeDriver& driver) {
                   return driver.say(5, driver.memory_table(FakeDriver::kSize + 4096), driver.file());
               },
               "beyond the end of its file"},
        Oddity{"MemoryWithoutAFile", [](FakeDriver& driver) { return driver.say(5, driver.memory_table()); },
               "memory without a file"},
        Oddity{"EndlessMemoryTable",
               [](FakeDriver& driver) { return driver.say(5, FakeDriver::u32s(1000000, 0), driver.file()); },
               "a table of memory"},
        Oddity{"UnknownRequest", [](FakeDriver& driver) { return driver.say(99); }, "unknown request 99"},
        Oddity{"LongMessage", [](FakeDriver& driver) { return driver.say(1, Bytes(600)); }, "a message of 600 octets"},
        Oddity{"UnofferedFeature",
               [](FakeDriver& driver) { return driver.say(2, FakeDriver::words(std::uint64_t{1ull << 15})); },
               "features that were not offered"},
        Oddity{"NoInbandNotifications",
               [](FakeDriver& driver) { return driver.say(16, FakeDriver::words(std::uint64_t{1 << 3})); },
               "that we need"},
        Oddity{"NoCalls", [](FakeDriver& driver) { return driver.say(21); }, "no descriptor for interrupts"},
        Oddity{"OddConfig", [](FakeDriver& driver) { return driver.say(24, FakeDriver::u32s(0, 500)); }, "not whole"}),
    [](const auto& test) { return test.param.name; });

TEST_F(NetworkCard, EndsAGuestWhoseBuffersCannotBe) {
    set_up();
    driver->descriptor(0, 0) = {driver->buffer(0), 100, FakeDriver::kWrite, 0};
    driver->offer(0, 0);
    EXPECT_FALSE(card->send(frame_of(200)));
    EXPECT_THAT(failure, HasSubstr("a buffer too small for a frame"));
    driver->descriptor(0, 1) = {5, 1530, FakeDriver::kWrite, 0};
    driver->offer(0, 1);
    EXPECT_FALSE(card->send(frame_of(200)));
    EXPECT_THAT(failure, HasSubstr("a buffer outside the guest's memory"));
    driver->descriptor(0, 2) = {driver->buffer(2), 1530, 0, 0};
    driver->offer(0, 2);
    EXPECT_FALSE(card->send(frame_of(200)));
    EXPECT_THAT(failure, HasSubstr("the wrong direction"));
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
