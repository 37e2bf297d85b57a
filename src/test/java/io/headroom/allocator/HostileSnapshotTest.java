package io.headroom.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.headroom.trace.Snapshot;
import io.headroom.trace.SnapshotFormatException;
import io.headroom.units.Bytes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** A damaged snapshot that can still be read is replayed to an answer, or refused with a message: no crash, no hang. */
class HostileSnapshotTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @Property(tries = 300)
    void flippedBitsEndInAnAnswer(@ForAll("fixtures") String fixture, @ForAll long seed) throws IOException {
        Random random = new Random(seed);
        byte[] bytes = bytes(fixture);
        for (int flips = 1 + random.nextInt(12); flips > 0; flips--) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        assertTimeoutPreemptively(PATIENCE, () -> answers(bytes));
    }

    @Property(tries = 200)
    void wrongNumbersEndInAnAnswer(@ForAll("fixtures") String fixture, @ForAll long seed) throws IOException {
        Random random = new Random(seed);
        byte[] bytes = bytes(fixture);
        for (int changes = 20; changes > 0; changes--) {
            int at = random.nextInt(bytes.length - 12);
            // LONG1 of six bytes: addresses and times. BININT and BININT2: sizes. Opcodes stay as they are.
            int width = bytes[at] == (byte) 0x8a && bytes[at + 1] == 6 ? 6 : bytes[at] == 'J' ? 4 : 0;
            for (int i = 0; i < width; i++) {
                bytes[at + (width == 6 ? 2 : 1) + i] = (byte) random.nextInt(256);
            }
        }
        assertTimeoutPreemptively(PATIENCE, () -> answers(bytes));
    }

    @Example
    void manySegmentsGivenBackInAnyOrderEndSoon() throws IOException {
        int many = 400_000;
        var pickle = new ByteArrayOutputStream();
        pickle.writeBytes(ascii("\u0080\u0004}(X\b\0\0\0segments]X\r\0\0\0device_traces]]("));
        for (int i = 0; i < many; i++) {
            pickle.writeBytes(ascii("}(X\u0006\0\0\0actionX\f\0\0\0segment_freeX\u0004\0\0\0addr\u008a\u0007"));
            long address = 0x7f00_0000_0000L + (many - i) * 4 * Bytes.MIB;
            for (int at = 0; at < 7; at++) {
                pickle.write((int) (address >>> 8 * at));
            }
            pickle.writeBytes(ascii("X\u0004\0\0\0sizeJ\0\0@\0X\u0006\0\0\0streamK\0u"));
        }
        pickle.writeBytes(ascii("eau."));
        Snapshot snapshot = Snapshot.read(new ByteArrayInputStream(pickle.toByteArray()));
        assertThat(snapshot.recording(0).events()).isEqualTo(many);
        Fidelity fidelity = assertTimeoutPreemptively(
                PATIENCE, () -> Fidelity.of(snapshot, 0, AllocatorSettings.defaults(), CachingAllocator.UNLIMITED));
        assertThat(fidelity.segmentEvents()).isEqualTo(many);
        assertThat(fidelity.isExact()).isTrue();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static void answers(byte[] bytes) throws IOException {
        try {
            Snapshot snapshot = Snapshot.read(new ByteArrayInputStream(bytes));
            for (int device : snapshot.devices()) {
                WhatIf whatIf =
                        WhatIf.of(snapshot, device, OptionalLong.empty(), List.of("", "expandable_segments:True"));
                assertThat(whatIf.rows())
                        .hasSizeGreaterThanOrEqualTo(2)
                        .allMatch(row -> row.footprint().peakReserved().bytes()
                                >= row.footprint().peakAllocated().bytes());
                whatIf.smallestLimit().ifPresent(limit -> assertThat(limit).isPositive());
                assertThat(whatIf.hole().isPresent())
                        .isNotEqualTo(whatIf.asItWas().survives());
                assertThat(whatIf.recommended().filter(row -> !row.survives())).isEmpty();
                assertThat(whatIf.source().flatMap(Source::fidelity)).isPresent();
            }
        } catch (SnapshotFormatException refused) {
            assertThat(refused.getMessage()).isNotBlank();
        } catch (IllegalArgumentException refused) {
            assertThat(refused.getMessage())
                    .startsWith("the snapshot was recorded under settings that cannot be replayed: ");
        }
    }

    @Provide
    Arbitrary<String> fixtures() {
        return Arbitraries.of(
                "plain-1.13-p2",
                "oom-2.7-p4",
                "expandable-2.7-p4",
                "max-split-2.7-p4",
                "gc-2.10-p4",
                "ring-buffer-2.7-p4",
                "streams-2.7-p4",
                "two-devices-2.7-p4",
                "segments-only-p4");
    }

    private static byte[] bytes(String name) throws IOException {
        try (InputStream in = HostileSnapshotTest.class.getResourceAsStream("/snapshots/" + name + ".pickle")) {
            return in.readAllBytes();
        }
    }
}
