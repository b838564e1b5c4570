using System.Numerics;
using Halo.Text.Templates;
using Halo.Text.Templates.Values;

namespace Halo.Text.Tests.Templates;

/// <summary>Templates that would run forever, fill the memory, use up the stack or reach out: each ends with an error that tells its line.</summary>
public class TemplateAttackTests
{
    private static readonly Dictionary<string, object?> Variables = new()
    {
        ["m"] = Sequences.List([new TemplateDictionary(), "text", BigInteger.One]),
    };

    public static TheoryData<string> Endless =>
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(100000) if b < 0 %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% for i in range(9) %}{{ f(n) if n.x < 0 else f(n) }}{% endfor %}{% endmacro %}{{ f({'x': 1}) }}",
        "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for x in range(99999999999999999999) %}{% endfor %}",
        "{{ range(10000000)|list }}",
        "{{ 'a' * 1000000000000 }}",
        "{{ 1000000000000 * 'abc' }}",
        "{{ [0] * 99999999999 }}",
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s|replace('a', 'aa') %}{% endfor %}",
        "{% set n = namespace(s='aa') %}{% for i in range(99) %}{% set n.s = n.s.replace('', n.s) %}{% endfor %}",
        "{% set n = namespace(s='aa') %}{% for i in range(99) %}{% set n.s = n.s.join([n.s, n.s]) %}{% endfor %}",
        "{% set n = namespace(s='aa') %}{% for i in range(99) %}{% set n.s = n.s|join(n.s) %}{% endfor %}",
        "{% set n = namespace(s='{}') %}{% for i in range(99) %}{% set n.s = (n.s ~ n.s).format(*[n.s] * 999) %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s|tojson }}",
        "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
        "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s < n.t }}",
        "{% set n = namespace(s=(1,)) %}{% for i in range(99) %}{% set n.s = (n.s, n.s) %}{% endfor %}{{ {n.s: 1} }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(s=[1]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s|tojson }}",
        "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}{% set n.t = [n.t] %}{% endfor %}{{ n.s == n.t }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
        "{{ 9 ** 9 ** 9 ** 9 ** 9 ** 9 }}",
        "{{ 10 ** 100000000000 }}",
        "{% set n = namespace(x=3) %}{% for i in range(999) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ '%s%999999999s'|format(1, 2) }}",
        "{{ 'a'|center(999999999) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ 'a'.zfill(999999999) }}",
        "{{ [1]|tojson(indent=999999999) }}",
        "{{ 'a\nb'|indent(999999999) }}",
        "{{ [1]|batch(99999999, 0)|list }}",
        "{% set n = namespace(s='a') %}{% for i in range(20) %}{% set n.s = n.s ~ n.s %}{% endfor %}{% for i in range(9999) %}{{ n.s }}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(20) %}{% set n.s = n.s ~ n.s %}{% endfor %}{% for i in range(99999) %}{% set n.x = n.s[::-1] %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(20) %}{% set n.s = n.s ~ n.s %}{% endfor %}{% for i in range(99999) %}{% set n.x = n.s is lower %}{% set n.y = n.s.upper() %}{% endfor %}",
        "{% set x %}{% for a in range(100000) %}{% for b in range(100000) %}aaaaaaaaaaaaaaaa{% endfor %}{% endfor %}{% endset %}",
    ];

    public static TheoryData<string> Deep
    {
        get
        {
            const int depth = 20_000;
            var result = new TheoryData<string>();
            foreach ((string open, string close) in new[]
            {
                ("(", ")"), ("[", "]"), ("{1:", "}"), ("-", ""), ("not ", ""), ("f(", ")"), ("a[", "]"), ("1 if 1 else ", ""), ("x|d(", ")"), ("x is eq(", ")"), ("1 + (", ")"), ("1 ~ [", "]"),
            })
            {
                result.Add("{{ " + string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth)) + " }}");
            }

            foreach ((string open, string close) in new[] { ("{% if 1 %}", "{% endif %}"), ("{% for i in m %}", "{% endfor %}"), ("{% set x %}", "{% endset %}"), ("{% filter upper %}", "{% endfilter %}"), ("{% macro f() %}", "{% endmacro %}"), ("{% if 1 %}", "") })
            {
                result.Add(string.Concat(Enumerable.Repeat(open, depth)) + string.Concat(Enumerable.Repeat(close, depth)));
            }

            return result;
        }
    }

    public static TheoryData<string> Reaching =>
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ m.__init__.__globals__ }}",
        "{{ m[0]['__class__'].x }}",
        "{{ m.GetType().Assembly }}",
        "{{ 'x'.GetType().Name }}",
        "{{ raise_exception.__globals__.x }}",
        "{{ namespace.__init__.x }}",
        "{{ cycler.__init__.x }}",
        "{{ self._TemplateReference__context.x }}",
        "{{ lipsum.__globals__['os'].popen('id') }}",
        "{{ m|map(attribute='GetType.Name.x')|list }}",
        "{{ m|attr('__class__')|attr('x') }}",
        "{{ m.append(1) }}",
        "{{ m[0].update({'a': 1}) }}",
        "{{ m[0].setdefault('a', 1) }}",
        "{{ open('/etc/passwd') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ '{0.__class__}'.format(1) }}",
    ];

    [Theory]
    [MemberData(nameof(Endless))]
    [MemberData(nameof(Deep))]
    [MemberData(nameof(Reaching))]
    public void AnAttackEndsWithAnError(string template)
    {
        var fault = Assert.Throws<TemplateFault>(() => Template.Parse(template).Render(Variables));
        Assert.True(fault.Line > 0);
        Assert.InRange(fault.Message.Length, 1, 300);
    }

    [Fact]
    public void LongChainsEitherRenderOrEnd()
    {
        foreach (string sign in new[] { " + ", " * ", " ** ", " ~ ", " and ", " or ", " == ", " if 1 else ", "|d|int + " })
        {
            string template = "{{ " + string.Join(sign, Enumerable.Repeat("1", 100_000)) + " }}";
            Exception? fault = Record.Exception(() => Template.Parse(template).Render(Variables));
            Assert.True(fault is null or TemplateFault);
        }
    }

    [Fact]
    public void ErrorsTellTheInnermostLine()
    {
        Assert.Equal(4, Assert.Throws<TemplateFault>(() => Template.Parse("a\n{% if true %}\n{{ 'x' ~\n (1 + none) }}\n{% endif %}").Render(Variables)).Line);
        Assert.Equal(3, Assert.Throws<TemplateFault>(() => Template.Parse("{% macro f(x) %}\n\n{{ x.y.z }}\n{% endmacro %}\n{{ f(1) }}").Render(Variables)).Line);
        Assert.Equal(3, Assert.Throws<TemplateFault>(() => Template.Parse("a\n\n{% for x %}")).Line);
    }
}
