package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the bytes are: a snapshot or a clear refusal, in bounded memory, with nothing executed. */
class HostilePickleTest {
    @Test
    void otherFormatsAreNamed() throws IOException {
        refuses(new byte[0], "empty");
        refuses("{\"segments\": []}".getBytes(StandardCharsets.UTF_8), "JSON");
        refuses("PK\003\004rest".getBytes(StandardCharsets.ISO_8859_1), "zip");
        refuses("(dp0\nS'segments'\n.".getBytes(StandardCharsets.UTF_8), "protocol 0 or 1");
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(sample());
        }
        refuses(zipped.toByteArray(), "gzip");
        refuses(pickle("K\005."), "neither \"segments\" nor \"device_traces\"");
        refuses(new byte[] {(byte) 0x80, 9, '}', '.'}, "protocol 9");
    }

    @Test
    void aDirectoryIsNone(@TempDir Path directory) {
        assertThatThrownBy(() -> Snapshot.read(directory)).hasMessageContaining("is a directory");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cos\nsystem\n\214\002id\205R.",
                "\214\002os\214\006system\223\214\002id\205R.",
                "}\201.",
                "(ios\nsystem\n.",
                "C\001x.",
                "P1\n.",
                "\202\001."
            })
    void foreignObjectsAreRefused(String opcodes) {
        refuses(pickle(opcodes), "nothing was executed");
    }

    @Test
    void hugeLengthsAreRefused() {
        refuses(pickle("X\377\377\377\177"), "a string of 2147483647 bytes");
        refuses(pickle("X\377\377\377\377"), "a string of -1 bytes");
        refuses(pickle("\215\377\377\377\377\377\377\377\177"), "a string of");
        refuses(pickle("\213\377\377\377\177"), "an integer of 2147483647 bytes");
        refuses(pickle("]r\377\377\377\177."), "memo entry 2147483647");
        refuses(pickle("X\377\377\000\000"), "cut off");
    }

    @Test
    void brokenStacksAreRefused() {
        for (String opcodes : new String[] {
            ".",
            "u.",
            "}u.",
            "e.",
            "a.",
            "s.",
            "h\000.",
            "j\001\000\000\000.",
            "t.",
            "\207.",
            "0.",
            "1.",
            "2.",
            "q\000.",
            "\224.",
            "]].",
            "K\001K\001a.",
            "(K\001u.",
            "}(K\001u.",
            "(.",
            "}}.",
            "\376."
        }) {
            assertThatThrownBy(() -> read(pickle(opcodes))).as(opcodes).isInstanceOf(SnapshotFormatException.class);
        }
    }

    @Test
    void deepNestingIsRefused() {
        refuses(pickle("(".repeat(100_000)), "nested more than");
        refuses(pickle("]".repeat(50_000) + "a".repeat(49_999) + "."), "no dict");
    }

    @Test
    void billionLaughsDoNotUnfold() {
        // Each list holds the one before it ten times: 10^40 leaves in a few hundred bytes.
        StringBuilder laughs = new StringBuilder("}\214\010segments]\224");
        for (int level = 0; level < 40; level++) {
            laughs.append("0](").append(("h" + (char) level).repeat(10)).append("e\224");
        }
        refuses(pickle(laughs + "s."), "is no dict");
        String block = "}(\214\004sizeK\001\214\005state\214\010inactiveu";
        String segment = "}\224(\214\007addressK\001\214\ntotal_sizeK\001\214\006blocks](" + block + "eu";
        refuses(pickle("}\214\010segments](" + segment + "h\000".repeat(1000) + "es."), "appears twice");
    }

    @Test
    void manyKeysAreRefused() {
        StringBuilder keys = new StringBuilder("}(");
        for (int i = 0; i < 2000; i++) {
            keys.append("M").append((char) (i & 255)).append((char) (i >> 8)).append("N");
        }
        refuses(pickle(keys + "u."), "a dict of more than");
    }

    @Test
    void manyKindsOfDictsAreRefused() {
        // Each item set alone makes a wider kind: 512 kinds of 8 KiB for 3 KiB of file.
        StringBuilder kinds = new StringBuilder("](");
        for (int dict = 0; dict < 20; dict++) {
            kinds.append('}');
            for (int key = 0; key < 400; key++) {
                int name = dict * 400 + key;
                kinds.append("M")
                        .append((char) (name & 255))
                        .append((char) (name >> 8))
                        .append("Ns");
            }
        }
        refuses(pickle(kinds + "e."), "dicts of more than 4096 kinds");
    }

    @Test
    void stacksThatHoldThemselvesEnd() throws IOException {
        // A list of frames that contains itself, and a frame that holds its own list, under an event.
        String frames = "]\224(h\000h\000e";
        String event = "}(\214\006action\214\005alloc\214\004addrK\001\214\004sizeK\007\214\006frames" + frames + "u";
        Snapshot snapshot = read(pickle("}\214\015device_traces](](" + event + "ees."));
        assertThat(snapshot.recording(0).events()).isEqualTo(1);
        assertThat(snapshot.frames(snapshot.recording(0).frames(0))).isEmpty();
        assertThat(snapshot.trace(0).operator(0)).isEmpty();
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = sample();
        for (int length = 0; length < whole.length; length += 1 + length / 50) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(part)).isInstanceOf(SnapshotFormatException.class);
        }
    }

    @Property(tries = 500)
    void flippedBitsNeverCrash(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        byte[] bytes = sample();
        for (int flips = 1 + random.nextInt(6); flips > 0; flips--) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        survives(bytes);
    }

    @Property(tries = 500)
    void randomOpcodesNeverCrash(@ForAll long seed) {
        Random random = new Random(seed);
        String opcodes = "}](usea\224qhKMJNG\210\211)\205\206\207t012dl\214";
        StringBuilder pickle = new StringBuilder();
        for (int i = random.nextInt(400); i > 0; i--) {
            pickle.append(
                    random.nextInt(5) == 0
                            ? (char) random.nextInt(256)
                            : opcodes.charAt(random.nextInt(opcodes.length())));
        }
        survives(pickle(pickle + "."));
    }

    private static void survives(byte[] bytes) {
        try {
            Snapshot snapshot = read(bytes);
            for (int device : snapshot.devices()) {
                assertThat(snapshot.trace(device).events()).isNotNegative();
                snapshot.limit(device);
                Recording recording = snapshot.recording(device);
                for (int event = 0; event < Math.min(recording.events(), 50); event++) {
                    snapshot.frames(recording.frames(event));
                }
            }
        } catch (IOException e) {
            assertThat(e).isInstanceOf(SnapshotFormatException.class);
        }
    }

    private static void refuses(byte[] bytes, String message) {
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(SnapshotFormatException.class)
                .hasMessageContaining(message);
    }

    private static Snapshot read(byte[] bytes) throws IOException {
        return Snapshot.read(new ByteArrayInputStream(bytes));
    }

    private static byte[] pickle(String opcodes) {
        return ("\200\004" + opcodes).getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] sample() throws IOException {
        try (InputStream in = HostilePickleTest.class.getResourceAsStream("/snapshots/ring-buffer-2.7-p4.pickle")) {
            return in.readAllBytes();
        }
    }
}
