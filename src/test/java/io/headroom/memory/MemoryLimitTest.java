package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Native;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class MemoryLimitTest {
    private static final List<String> KERNEL = List.of("-Xms256m", "-Xmx256m");

    @AfterEach
    void lift() {
        MemoryLimit.lift();
    }

    @Test
    void libtorchFailsAtTheCapAndTheSameJvmGoesOn() {
        Fork.Result run = Fork.run(CappedMain.class, KERNEL, "512 MiB", "62.5 MiB");
        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("DefaultCPUAllocator: can't allocate memory: you tried to allocate 65536000 bytes")
                .contains("lives true")
                .contains("went on with 1");
        long taken = number(run.output(), "taken ([0-9]+)");
        assertThat(taken).isBetween(512 * Bytes.MIB - 2 * 65_536_000, 512 * Bytes.MIB);
        assertThat(number(run.output(), "rss ([0-9]+)")).isLessThanOrEqualTo(number(run.output(), "cap ([0-9]+)"));
    }

    @Test
    void tensorsOfSomeMegabytesFailToo() {
        Fork.Result run = Fork.run(CappedMain.class, KERNEL, "128 MiB", "20 MiB");
        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("you tried to allocate 20971520 bytes")
                .contains("went on with 1");
    }

    @Test
    void whatIsFreedUnderACapMayBeTakenAgainAsOneArray() {
        Fork.Result run = Fork.run(RefillMain.class, KERNEL, "512 MiB");
        assertThat(run.exit()).as(run.output()).isZero();
        assertThat(number(run.output(), "headroom ([0-9]+)")).isGreaterThan(400 * Bytes.MIB);
        assertThat(run.output()).contains("one ").contains("went on 2097152");
    }

    @Test
    void aCapBelowTheUseNamesTheUseAndTheSmallestThatWorks() {
        assertThatThrownBy(() -> MemoryLimit.set(Bytes.MIB))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1024.00 KiB")
                .hasMessageContaining("in use now")
                .hasMessageMatching(".*smallest cap that works is \"[0-9]+ MiB\".*");
        assertThat(MemoryLimit.current()).isEmpty();
    }

    @Test
    void theSmallestCapItNamesIsAccepted() {
        try {
            MemoryLimit.set(1);
        } catch (IllegalArgumentException e) {
            Matcher smallest = Pattern.compile("\"([0-9]+) MiB\"").matcher(e.getMessage());
            assertThat(smallest.find()).isTrue();
            MemoryLimit.set((Long.parseLong(smallest.group(1)) + 8) * Bytes.MIB);
        }
        assertThat(MemoryLimit.current()).isPresent();
    }

    @Test
    void aCapIsTheLimitInForceAndIsGoneWhenLifted() {
        long cap = Reading.now().rss().getAsLong() + 512 * Bytes.MIB;
        MemoryLimit.set(cap);
        Limit limit = Reading.now().limit().orElseThrow();
        assertThat(limit.kind()).isEqualTo(Limit.Kind.CAP);
        assertThat(limit.bytes()).isEqualTo(cap);
        assertThat(limit.headroom().getAsLong()).isBetween(256 * Bytes.MIB, 512 * Bytes.MIB);
        assertThat(MemoryLimit.lift()).isTrue();
        assertThat(MemoryLimit.lift()).isFalse();
        assertThat(Reading.now().limits()).noneMatch(each -> each.kind() == Limit.Kind.CAP);
    }

    @Test
    void aSecondCapReplacesTheFirstAndLiftingRestoresTheOriginal() {
        Libc.Rlimit original = Libc.limit(Libc.RLIMIT_DATA).orElseThrow();
        long used = Reading.now().rss().getAsLong();
        MemoryLimit.set(used + 512 * Bytes.MIB);
        MemoryLimit.set(used + 1024 * Bytes.MIB);
        assertThat(Reading.now().headroom().getAsLong()).isGreaterThan(512 * Bytes.MIB);
        MemoryLimit.lift();
        assertThat(Libc.limit(Libc.RLIMIT_DATA)).contains(original);
    }

    @Test
    void aFailureIsToldBeyondTheCapAndTheCapHoldsAgainOnceMemoryIsFree() {
        MemoryLimit.makeRoom();
        MemoryLimit.settle();
        Libc.Rlimit original = Libc.limit(Libc.RLIMIT_DATA).orElseThrow();
        long used = Reading.now().rss().getAsLong();
        long cap = MemoryLimit.set(used + MemoryLimit.SLACK + Bytes.MIB).dataLimit();

        MemoryLimit.makeRoom();
        assertThat(soft()).isEqualTo(cap + MemoryLimit.SLACK);
        long full = Native.malloc(80 * Bytes.MIB);
        MemoryLimit.settle();
        assertThat(soft() - Reading.now().process().data().getAsLong()).isBetween(16 * Bytes.MIB, 32 * Bytes.MIB);
        assertThat(Reading.now().limit().orElseThrow().headroom()).hasValue(0);

        Native.free(full);
        MemoryLimit.settle();
        assertThat(soft()).isEqualTo(cap);
        MemoryLimit.makeRoom();
        MemoryLimit.lift();
        assertThat(Libc.limit(Libc.RLIMIT_DATA)).contains(original);
    }

    @Test
    void aNewCapHasNoRoomBeyondIt() {
        long used = Reading.now().rss().getAsLong();
        MemoryLimit.set(used + 2 * MemoryLimit.SLACK);
        MemoryLimit.makeRoom();
        long cap = MemoryLimit.set(used + 4 * MemoryLimit.SLACK).dataLimit();

        long left = cap - Reading.now().process().data().getAsLong();
        long full = Native.malloc(left - 20 * Bytes.MIB);
        MemoryLimit.settle();
        assertThat(soft()).isEqualTo(cap);
        Native.free(full);
    }

    @Test
    void failureAfterFailureGoesNoFurtherBeyondTheCap() {
        long used = Reading.now().rss().getAsLong();
        long cap = MemoryLimit.set(used + 2 * MemoryLimit.SLACK).dataLimit();
        for (int failed = 0; failed < 8; failed++) {
            MemoryLimit.makeRoom();
        }
        long full = Native.malloc(8 * MemoryLimit.SLACK);
        MemoryLimit.settle();
        assertThat(soft()).isEqualTo(cap + 4 * MemoryLimit.SLACK + 32 * Bytes.MIB);
        Native.free(full);
        MemoryLimit.settle();
        assertThat(soft()).isEqualTo(cap);
    }

    private static long soft() {
        return Libc.limit(Libc.RLIMIT_DATA).orElseThrow().soft();
    }

    @Test
    void aCapBeyondAllMemoryIsNoError() {
        MemoryLimit.set(Long.MAX_VALUE);
        assertThat(Reading.now().headroom()).isPresent();
    }

    private static long number(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertThat(matcher.find()).as(text).isTrue();
        return Long.parseLong(matcher.group(1));
    }
}
