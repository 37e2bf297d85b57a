package io.headroom.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.memory.Fork;
import io.headroom.units.Bytes;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class FirstPeakTest {
    /** The step is estimated at 11.8 MiB; with what the engine and the JVM load once it was 31 to 38. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void whatIsLoadedOnceIsNotTheFirstStepsOwn() {
        Fork.Result result = Fork.run(
                FirstPeak.class,
                Map.of("OMP_NUM_THREADS", "2"),
                List.of("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UseDynamicNumberOfCompilerThreads"));
        Matcher peak = Pattern.compile("(?m)^peak\t(\\d+)$").matcher(result.output());
        assertThat(peak.find()).as(result.output()).isTrue();
        assertThat(Long.parseLong(peak.group(1))).isLessThan(26 * Bytes.MIB);
    }
}
