//! Texts and what they mean: `number@offset:` before each node, and then what it is.

/// A text, and its tree as cel-go 0.26 has it.
pub(super) const TREES: &[(&str, &str)] = &[
    ("a.b.c", "3@3:select c false(2@1:select b false(1@0:ident a))"),
    (".a.f(x)", "2@4:call f(1@1:ident .a ;3@5:ident x,)"),
    ("a.b.C{x: 1, ?y: 2,}", "1@5:struct a.b.C{2@7:x=3@9:int 1,4@14:?y=5@16:int 2,}"),
    ("[1, ?x, -2,]", "1@0:list[2@1:int 1,?3@5:ident x,4@8:int -2,]"),
    (r#"{"a": 1, ?b: c}"#, "1@0:map{2@4:3@1:string 61=4@6:int 1,5@11:?6@10:ident b=7@13:ident c,}"),
    (
        "a.?b[?c][d]",
        "6@8:call _[_](4@4:call _[?_](3@1:call _?._(1@0:ident a,2@3:string 62,),5@6:ident c,),7@9:ident d,)",
    ),
    ("-1 + - 1", "2@3:call _+_(1@0:int -1,3@5:int -1,)"),
    ("--1", "1@2:int 1"),
    ("-a.b", "1@0:call -_(3@2:select b false(2@1:ident a),)"),
    ("!!a || !b", "4@4:call _||_(1@2:ident a,2@7:call !_(3@8:ident b,),)"),
    (
        "a && b && c && d && e",
        "7@12:call _&&_(5@7:call _&&_(3@2:call _&&_(1@0:ident a,2@5:ident b,),4@10:ident c,),9@17:call _&&_(6@15:ident d,8@20:ident e,),)",
    ),
    (
        "a || b && c ? d : e ? f : g",
        "6@12:call _?_:_(5@2:call _||_(1@0:ident a,4@7:call _&&_(2@5:ident b,3@10:ident c,),),7@14:ident d,9@20:call _?_:_(8@18:ident e,10@22:ident f,11@26:ident g,),)",
    ),
    (
        "1 + 2 * 3 - 4 % 5",
        "6@10:call _-_(2@2:call _+_(1@0:int 1,4@6:call _*_(3@4:int 2,5@8:int 3,),),8@14:call _%_(7@12:int 4,9@16:int 5,),)",
    ),
    (
        "a in b == c < d",
        "6@12:call _<_(4@7:call _==_(2@2:call @in(1@0:ident a,3@5:ident b,),5@10:ident c,),7@14:ident d,)",
    ),
    ("0x1F == -0x8000000000000000", "2@5:call _==_(1@0:int 31,3@8:int -9223372036854775808,)"),
    ("18446744073709551615u + 0xffu", "2@22:call _+_(1@0:uint 18446744073709551615,3@24:uint 255,)"),
    (".5e1 + 1e-400", "2@5:call _+_(1@0:double 5.00000000000000000e+00,3@7:double 0.00000000000000000e+00,)"),
    (r"'\x41\u00e9\U0001F600\101\n\?'", "1@0:string 41c3a9f09f9880410a3f"),
    (
        r#"r'a\n' + """a"b
c""""#,
        "2@7:call _+_(1@0:string 615c6e,3@9:string 6122620a63,)",
    ),
    (r#"b'\xff\377é' + bR"\x""#, "2@13:call _+_(1@0:bytes ffffc3a9,3@15:bytes 5c78,)"),
    (r#""日本" + x // 日"#, "2@5:call _+_(1@0:string e697a5e69cac,3@7:ident x,)"),
    (
        "has(a.b) && has(has(a.b.c))",
        "12@9:call _&&_(4@3:select b true(2@4:ident a),11@15:select c true(8@21:select b false(7@20:ident a)),)",
    ),
    (
        "a.all(x, x > 0)",
        "13@5:fold x  @result(1@0:ident a,7@5:bool true,9@5:call @not_strictly_false(8@5:ident @result,),11@5:call _&&_(10@5:ident @result,5@11:call _>_(4@9:ident x,6@13:int 0,),),12@5:ident @result,)",
    ),
    (
        "a.exists(x, x)",
        "12@8:fold x  @result(1@0:ident a,5@8:bool false,8@8:call @not_strictly_false(7@8:call !_(6@8:ident @result,),),10@8:call _||_(9@8:ident @result,4@12:ident x,),11@8:ident @result,)",
    ),
    (
        "a.exists_one(x, x)",
        "15@12:fold x  @result(1@0:ident a,5@12:int 0,6@12:bool true,11@12:call _?_:_(4@16:ident x,9@12:call _+_(7@12:ident @result,8@12:int 1,),10@12:ident @result,),14@12:call _==_(12@12:ident @result,13@12:int 1,),)",
    ),
    ("a.existsOne(x, x)", "2@11:call existsOne(1@0:ident a ;3@12:ident x,4@15:ident x,)"),
    (
        "a.map(x, x + 1)",
        "13@5:fold x  @result(1@0:ident a,7@5:list[],8@5:bool true,11@5:call _+_(9@5:ident @result,10@5:list[5@11:call _+_(4@9:ident x,6@13:int 1,),],),12@5:ident @result,)",
    ),
    (
        "a.map(x, x > 1, x)",
        "16@5:fold x  @result(1@0:ident a,8@5:list[],9@5:bool true,14@5:call _?_:_(5@11:call _>_(4@9:ident x,6@13:int 1,),12@5:call _+_(10@5:ident @result,11@5:list[7@16:ident x,],),13@5:ident @result,),15@5:ident @result,)",
    ),
    (
        "a.filter(x, x.y)",
        "14@8:fold x  @result(1@0:ident a,6@8:list[],7@8:bool true,12@8:call _?_:_(5@13:select y false(4@12:ident x),10@8:call _+_(8@8:ident @result,9@8:list[3@9:ident x,],),11@8:ident @result,),13@8:ident @result,)",
    ),
    (
        "a.all(i, x, i < x)",
        "14@5:fold i x @result(1@0:ident a,8@5:bool true,10@5:call @not_strictly_false(9@5:ident @result,),12@5:call _&&_(11@5:ident @result,6@14:call _<_(5@12:ident i,7@16:ident x,),),13@5:ident @result,)",
    ),
    (
        "a.exists(i, x, x)",
        "13@8:fold i x @result(1@0:ident a,6@8:bool false,9@8:call @not_strictly_false(8@8:call !_(7@8:ident @result,),),11@8:call _||_(10@8:ident @result,5@15:ident x,),12@8:ident @result,)",
    ),
    (
        "a.existsOne(i, x, x)",
        "16@11:fold i x @result(1@0:ident a,6@11:int 0,7@11:bool true,12@11:call _?_:_(5@18:ident x,10@11:call _+_(8@11:ident @result,9@11:int 1,),11@11:ident @result,),15@11:call _==_(13@11:ident @result,14@11:int 1,),)",
    ),
    (
        "a.transformList(i, x, x)",
        "12@15:fold i x @result(1@0:ident a,9@15:list[],10@15:bool true,8@15:call _+_(6@15:ident @result,7@15:list[5@22:ident x,],),11@15:ident @result,)",
    ),
    (
        "a.transformList(i, x, i > 0, x)",
        "17@15:fold i x @result(1@0:ident a,14@15:list[],15@15:bool true,13@15:call _?_:_(6@24:call _>_(5@22:ident i,7@26:int 0,),11@15:call _+_(9@15:ident @result,10@15:list[8@29:ident x,],),12@15:ident @result,),16@15:ident @result,)",
    ),
    (
        "a.transformMap(k, v, v)",
        "12@14:fold k v @result(1@0:ident a,9@14:map{},10@14:bool true,8@14:call cel.@mapInsert(6@14:ident @result,7@14:ident k,5@21:ident v,),11@14:ident @result,)",
    ),
    (
        "a.transformMapEntry(k, v, k > 0, {v: k})",
        "19@19:fold k v @result(1@0:ident a,16@19:map{},17@19:bool true,15@19:call _?_:_(6@28:call _>_(5@26:ident k,7@30:int 0,),13@19:call cel.@mapInsert(12@19:ident @result,8@33:map{9@35:10@34:ident v=11@37:ident k,},),14@19:ident @result,),18@19:ident @result,)",
    ),
    (
        "a.?b.optMap(x, x)",
        "18@11:call _?_:_(7@11:call hasValue(3@1:call _?._(1@0:ident a,2@3:string 62,) ;),16@11:call optional.of(15@11:fold #unused  x(8@11:list[],12@11:call value(9@1:call _?._(10@0:ident a,11@3:string 62,) ;),13@11:bool false,14@11:ident x,6@15:ident x,),),17@11:call optional.none(),)",
    ),
    (
        "[{1: T{f: g}}][0].optFlatMap(x, x)",
        "29@28:call _?_:_(13@28:call hasValue(8@14:call _[_](1@0:list[2@1:map{3@3:4@2:int 1=5@6:struct T{6@8:f=7@10:ident g,},},],9@15:int 0,) ;),27@28:fold #unused  x(14@28:list[],24@28:call value(15@14:call _[_](16@0:list[17@1:map{18@28:19@2:int 1=20@6:struct T{21@28:f=22@10:ident g,},},],23@15:int 0,) ;),25@28:bool false,26@28:ident x,12@32:ident x,),28@28:call optional.none(),)",
    ),
    (
        "a.sortBy(x, -x)",
        "19@8:fold #unused  @__sortBy_input__(17@8:list[],1@0:ident a,18@8:bool false,6@8:ident @__sortBy_input__,16@8:call @sortByAssociatedKeys(15@8:ident @__sortBy_input__ ;14@8:fold x  @result(7@8:ident @__sortBy_input__,8@8:list[],9@8:bool true,12@8:call _+_(10@8:ident @result,11@8:list[4@12:call -_(5@13:ident x,),],),13@8:ident @result,),),)",
    ),
    ("all(a, b)", "1@3:call all(2@4:ident a,3@7:ident b,)"),
];
