package io.headroom.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of one megabyte, each made to take as much memory as it can, read and turned into traces in a small heap. */
class HostileMemoryTest {
    private static final int FILE = 1 << 20;
    private static final String HEAP = "-Xmx96m";

    @TempDir
    private Path directory;

    private final List<Path> files = new ArrayList<>();

    @Test
    void aFileTakesMemoryInProportionToItsLength() throws IOException, InterruptedException {
        add("two dicts widened in turn", dictsWidenedInTurn());
        add("dicts of many kinds", dictsOfManyKinds());
        add("tuples in tuples", ")" + "\205".repeat(FILE) + ".");
        add("empty dicts", "](" + "}".repeat(FILE) + "e.");
        add("lists of their own", "](" + "](Ne(Ne".repeat(FILE / 7) + "e.");
        add("a memo with holes", memoWithHoles());
        add("devices with one event", devices());
        add("one long name in many stacks", longNames());
        add("settings of settings", settings());
        add("a stream for each segment", streams());

        String answers = readInSmallHeap();

        assertThat(answers.lines())
                .hasSize(files.size())
                .allMatch(line -> line.startsWith("read") || line.startsWith("refused"));
        assertThat(answers.lines().filter(line -> line.startsWith("read"))).hasSizeGreaterThanOrEqualTo(4);
    }

    private String readInSmallHeap() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                HEAP,
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Reading.class.getName()));
        files.forEach(file -> command.add(file.toString()));
        Path answers = directory.resolve("answers");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(answers.toFile())
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("done in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        return Files.readString(answers);
    }

    /** What the small JVM does. */
    static final class Reading {
        private Reading() {}

        public static void main(String[] files) {
            for (String file : files) {
                System.out.println(outcome(Path.of(file)) + ": " + Path.of(file).getFileName());
            }
        }

        private static String outcome(Path file) {
            try {
                Snapshot snapshot = Snapshot.read(file);
                for (int device : snapshot.devices()) {
                    snapshot.trace(device);
                }
                return "read";
            } catch (SnapshotFormatException e) {
                return "refused";
            } catch (IOException | OutOfMemoryError e) {
                return "FAILED with " + e;
            }
        }
    }

    private void add(String name, String opcodes) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(("\200\004" + opcodes).getBytes(StandardCharsets.ISO_8859_1));
        files.add(Files.write(directory.resolve(name), bytes.toByteArray()));
    }

    private static String dictsWidenedInTurn() {
        StringBuilder pickle = new StringBuilder("](");
        for (int pair = 0; pickle.length() < FILE; pair++) {
            pickle.append("}\224}\224");
            for (int key = 0; key < 512; key++) {
                pickle.append(memo(2 * pair)).append(number(key)).append("Ns0");
                pickle.append(memo(2 * pair + 1)).append(number(key)).append("Ns0");
            }
        }
        return pickle + "e.";
    }

    private static String dictsOfManyKinds() {
        StringBuilder pickle = new StringBuilder("](");
        for (int dict = 0; dict < 7; dict++) {
            pickle.append('}');
            for (int key = 0; key < 512; key++) {
                pickle.append(number(dict * 512 + key)).append("Ns");
            }
        }
        return pickle + "e.";
    }

    private static String memoWithHoles() {
        StringBuilder pickle = new StringBuilder("]");
        for (int entry = 1000; pickle.length() < FILE; entry += 1000) {
            pickle.append('r').append(int32(entry));
        }
        return pickle + ".";
    }

    private static String devices() {
        String event = "}(\214\006action\214\005alloc\214\004addrK\001\214\004sizeK\007u";
        return "}\214\015device_traces](" + ("](" + event + "e").repeat(128) + "es.";
    }

    private static String longNames() {
        int length = 1 << 19;
        StringBuilder pickle = new StringBuilder("X" + int32(length) + "x".repeat(length) + "\2240");
        pickle.append("}\214\015device_traces](](");
        for (int event = 0; pickle.length() < FILE; event++) {
            String frame = "}(\214\004nameh\000\214\010filename\214\001f\214\004line" + number(event) + "u";
            pickle.append("}(\214\006action\214\005alloc\214\004addr" + number(event)
                    + "\214\004sizeK\007\214\006frames](" + frame + "eu");
        }
        return pickle + "ees.";
    }

    private static String settings() {
        int length = 1 << 19;
        StringBuilder pickle = new StringBuilder("X" + int32(length) + "x".repeat(length) + "\2240");
        pickle.append("}(\214\010segments]\214\022allocator_settings}(");
        for (int setting = 0; setting < 500; setting++) {
            pickle.append("h\000}(").append("h\000K\001".repeat(200)).append('u');
        }
        return pickle + "uu.";
    }

    private static String streams() {
        StringBuilder pickle = new StringBuilder("](");
        String block = "}(\214\004sizeM\000\002\214\005state\214\020active_allocatedu";
        for (int segment = 0; pickle.length() < FILE; segment++) {
            pickle.append("}(\214\007addressJ" + int32(segment << 9) + "\214\ntotal_sizeM\000\002\214\006streamJ"
                    + int32(segment) + "\214\006blocks](" + block + "eu");
        }
        return pickle + "e.";
    }

    private static String memo(int index) {
        return "j" + int32(index);
    }

    private static String number(int value) {
        return "M" + (char) (value & 255) + (char) (value >> 8 & 255);
    }

    private static String int32(int value) {
        return "" + (char) (value & 255) + (char) (value >> 8 & 255) + (char) (value >> 16 & 255)
                + (char) (value >>> 24);
    }
}
